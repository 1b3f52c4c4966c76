import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { isDue, runCron } from "../../../dev/cli/cron.ts";

describe("a cron expression", () => {
  const at = new Date("2026-11-29T03:17:42Z");

  test.each(["* * * * *", "17 3 * * *", "*/17 * * * *", "10-20 * * * *", "1,17 3 29 11 0", "2/5 * * * *"])(
    "%s is due",
    (expression) => expect(isDue(expression, at)).toBe(true),
  );

  test.each(["*/5 * * * *", "41 4 * * *", "17 4 * * *", "0-16 * * * *", "17 3 * * 1", "* * * *", "17"])(
    "%s is not due",
    (expression) => expect(isDue(expression, at)).toBe(false),
  );
});

describe("the schedules of development", () => {
  const expressions = ["* * * * *", "*/5 * * * *", "17 3 * * *"];

  /** Runs the schedules for so many minutes of a fake clock. @returns what was called, by minute, and what was reported */
  async function runFor(minutes: number, start: string, run: () => Promise<void>) {
    const called: string[] = [];
    const lines: string[] = [];
    const stop = new AbortController();
    const clock = {
      time: new Date(start),
      now: () => clock.time,
      async sleep(ms: number) {
        await setImmediate();
        clock.time = new Date(clock.time.getTime() + ms);
        if (clock.time.getTime() >= Date.parse(start) + minutes * 60_000) stop.abort();
      },
    };
    const call = (expression: string) => {
      called.push(`${clock.time.toISOString().slice(11, 16)} ${expression}`);
      return run();
    };
    await runCron(expressions, call, { signal: stop.signal, report: (line) => void lines.push(line), clock });
    return { called, lines };
  }

  test("run at once, and then each in its minutes", async () => {
    const { called, lines } = await runFor(3, "2026-11-29T03:14:30Z", async () => undefined);
    expect(called).toEqual([
      "03:14 * * * * *",
      "03:15 * * * * *",
      "03:15 */5 * * * *",
      "03:16 * * * * *",
      "03:17 * * * * *",
      "03:17 17 3 * * *",
    ]);
    expect(lines).toEqual([]);
  });

  test("a schedule that fails is reported, and runs again", async () => {
    const { called, lines } = await runFor(2, "2026-11-29T10:01:00Z", () => Promise.reject(new Error("status 500")));
    expect(called).toHaveLength(2);
    expect(lines).toEqual(Array(2).fill('the schedule "* * * * *" failed: status 500'));
  });

  test("a schedule that still runs is not called again", async () => {
    const { called } = await runFor(4, "2026-11-29T10:01:00Z", () => new Promise(() => undefined));
    expect(called).toEqual(["10:01 * * * * *"]);
  });
});

import { setTimeout as wait } from "node:timers/promises";

/** The time of the schedules. Tests replace it. */
export interface Clock {
  now(): Date;
  /** Waits. @throws if the signal is aborted */
  sleep(ms: number, signal: AbortSignal): Promise<unknown>;
}

const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => wait(ms, undefined, { signal }),
};

const minuteMs = 60_000;

/** A call may last as long as the platform lets a schedule run. */
const timeoutMs = 15 * minuteMs;

/** Whether a cron expression is due in a minute, in UTC. Its five fields hold `*`, numbers, lists, ranges and steps. */
export function isDue(expression: string, at: Date): boolean {
  const fields = expression.trim().split(/\s+/);
  const values = [at.getUTCMinutes(), at.getUTCHours(), at.getUTCDate(), at.getUTCMonth() + 1, at.getUTCDay()];
  return fields.length === values.length && fields.every((field, index) => matches(field, values[index]!));
}

function matches(field: string, value: number): boolean {
  return field.split(",").some((part) => {
    const [range, step = "1"] = part.split("/");
    const [low, high = part.includes("/") ? "99" : low] = range === "*" ? ["0", "99"] : range!.split("-");
    return value >= Number(low) && value <= Number(high) && (value - Number(low)) % Number(step) === 0;
  });
}

/**
 * Runs the schedules that are due at once, and then each minute, as the platform does. `wrangler dev` runs none by itself. A schedule that
 * still runs is not called again.
 * @param call runs a schedule, see `callSchedule`
 * @param report gets a line for each schedule that failed
 */
export async function runCron(
  expressions: readonly string[],
  call: (expression: string) => Promise<void>,
  { signal, report, clock = systemClock }: { signal: AbortSignal; report(line: string): void; clock?: Clock },
): Promise<void> {
  const running = new Set<string>();
  const run = async (expression: string) => {
    running.add(expression);
    try {
      await call(expression);
    } catch (error) {
      if (!signal.aborted)
        report(`the schedule "${expression}" failed: ${error instanceof Error ? error.message : "no answer"}`);
    } finally {
      running.delete(expression);
    }
  };
  while (!signal.aborted) {
    const now = clock.now();
    for (const expression of expressions) if (isDue(expression, now) && !running.has(expression)) void run(expression);
    await clock.sleep(minuteMs - (now.getTime() % minuteMs), signal).catch(() => undefined);
  }
}

/** Runs a schedule of the Worker that `wrangler dev --test-scheduled` serves at a URL. @throws if it fails */
export async function callSchedule(url: string, expression: string, signal: AbortSignal): Promise<void> {
  const reply = await fetch(`${url}/__scheduled?cron=${encodeURIComponent(expression)}`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  await reply.body?.cancel();
  if (!reply.ok) throw new Error(`status ${reply.status}`);
}

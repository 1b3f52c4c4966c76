import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AppError } from "../../../src/kit/errors.ts";
import { Semaphore } from "../../../src/kit/async/semaphore.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("Semaphore", () => {
  test("at most the number of slots runs at once, first come first served", async () => {
    const semaphore = new Semaphore(2, 10);
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const work = (id: number) => async () => {
      most = Math.max(most, (running += 1));
      order.push(id);
      await sleep(190);
      running -= 1;
      return id;
    };
    const all = Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((id) => semaphore.run(work(id))));
    await vi.runAllTimersAsync();
    expect(await all).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(2);
  });

  test("a full queue refuses work, and accepts it again when there is room", async () => {
    const semaphore = new Semaphore(1, 2);
    const taken = [1, 2, 3].map(() => semaphore.run(() => sleep(100)));
    const refusal = await semaphore.run(() => "never").catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(AppError);
    expect(refusal).toMatchObject({ code: "rate_limited", headers: { "retry-after": "1" } });
    await vi.runAllTimersAsync();
    await Promise.all(taken);
    expect(await semaphore.run(() => "done")).toBe("done");
  });

  test("a slot is released when the work fails, synchronously or later", async () => {
    const semaphore = new Semaphore(1, 0);
    const failing = () => {
      throw new Error("at once");
    };
    await expect(semaphore.run(failing)).rejects.toThrow("at once");
    await expect(semaphore.run(() => Promise.reject(new Error("later")))).rejects.toThrow("later");
    expect(await semaphore.run(() => "done")).toBe("done");
  });

  test("a slot is reclaimed after its lease if its holder never ended", async () => {
    const semaphore = new Semaphore(1, 1, 1_000);
    void semaphore.run(() => new Promise(() => {}));
    const start = Date.now();
    const waiting = semaphore.run(() => Date.now() - start);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(await waiting).toBeGreaterThan(1_000);
  });

  test("new work does not overtake waiting work", async () => {
    const semaphore = new Semaphore(1, 5);
    const order: string[] = [];
    const first = semaphore.run(() => sleep(100));
    const second = semaphore.run(() => void order.push("second"));
    await vi.advanceTimersByTimeAsync(100);
    await first;
    const third = semaphore.run(() => void order.push("third"));
    await vi.runAllTimersAsync();
    await Promise.all([second, third]);
    expect(order).toEqual(["second", "third"]);
  });
});

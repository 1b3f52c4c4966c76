import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { mapLimited } from "../../../src/kit/async/map-limited.ts";

test("at most the limit of calls run at once, and results keep the order of the items", async () => {
  let running = 0;
  let most = 0;
  const results = await mapLimited(3, [50, 10, 30, 5, 20, 1], async (ms) => {
    most = Math.max(most, ++running);
    await sleep(ms);
    running -= 1;
    return ms * 2;
  });
  expect(results).toEqual([100, 20, 60, 10, 40, 2]);
  expect(most).toBe(3);
  expect(await mapLimited(3, [], () => Promise.reject(new Error("Nothing is to be done.")))).toEqual([]);
});

test("after a failure no call starts, and running calls are awaited", async () => {
  const started: number[] = [];
  const ended: number[] = [];
  const failing = mapLimited(2, [1, 2, 3, 4], async (item) => {
    started.push(item);
    if (item === 2) throw new Error("Item 2 is broken.");
    await sleep(20);
    ended.push(item);
  });
  await expect(failing).rejects.toThrow("Item 2 is broken.");
  expect([started, ended]).toEqual([[1, 2], [1]]);
});

import { expect, test } from "vitest";
import { waitingEvents, unitsPerPause, WorkMeter } from "../../../src/kit/async/work-meter.ts";

test("a meter pauses once the work between two pauses is done, and not before", async () => {
  let pauses = 0;
  const work = new WorkMeter(async () => void pauses++);
  for (let spent = 0; spent < 10; spent++) await work.spend(unitsPerPause / 2);
  expect(pauses).toBe(5);
  expect(work.spend(unitsPerPause - 1)).toBeUndefined();
  expect(work.spend(1)).toBeInstanceOf(Promise);
  expect(pauses).toBe(6);
});

test("waiting events are handled first, and a resolved promise lets none run", async () => {
  let isAnswered = false;
  setTimeout(() => (isAnswered = true), 0);
  await Promise.resolve();
  expect(isAnswered).toBe(false);
  await waitingEvents();
  expect(isAnswered).toBe(true);
});

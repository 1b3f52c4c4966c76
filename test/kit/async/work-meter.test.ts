import { expect, test } from "vitest";
import { nextTurn, unitsPerTurn, WorkMeter } from "../../../src/kit/async/work-meter.ts";

test("a meter pauses once for each turn's work, and not before", async () => {
  let pauses = 0;
  const work = new WorkMeter(async () => void pauses++);
  for (let spent = 0; spent < 10; spent++) await work.spend(unitsPerTurn / 2);
  expect(pauses).toBe(5);
  expect(work.spend(unitsPerTurn - 1)).toBeUndefined();
  expect(work.spend(1)).toBeInstanceOf(Promise);
  expect(pauses).toBe(6);
});

test("the next turn comes after the events that wait, and a resolved promise does not", async () => {
  let isAnswered = false;
  setTimeout(() => (isAnswered = true), 0);
  await Promise.resolve();
  expect(isAnswered).toBe(false);
  await nextTurn();
  expect(isAnswered).toBe(true);
});

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import type { Held } from "../support/heap.ts";

const megabyte = 2 ** 20;
let held: Held;

beforeAll(async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", "test/datasets/support/heap.ts"]);
  held = JSON.parse(stdout) as Held;
});

test.each([
  ["jsonl", "rows are read", 10_000, 12],
  ["json", "rows are read", 10_000, 12],
  ["csv", "rows are read", 10_000, 12],
  ["text", "rows are read", 300, 12],
  ["html", "rows are read", 300, 12],
  ["text, cut", "characters are cut as they come", 9.5 * megabyte, 12],
  ["one text, cut", "chunks are held with their text", 10_000, 24],
  ["refined", "rows are read and refined", 10_000, 48],
])("ten megabytes of %s: %s, of %d and more, in less than %d MB above idle", (what, _how, least, bar) => {
  const { most, rows } = held[what]!;
  console.log(`${what}: ${(most / megabyte).toFixed(1)} MB above idle`);
  expect(rows).toBeGreaterThan(least);
  expect(most).toBeLessThan(bar * megabyte);
});

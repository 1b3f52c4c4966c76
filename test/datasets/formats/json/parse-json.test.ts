import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxRecordLength } from "../../../../src/datasets/constants.ts";
import { read } from "../../support/datasets.ts";

const lines = (...records: unknown[]) => records.map((record) => JSON.stringify(record)).join("\n");

describe("JSON", () => {
  test("the elements equal those of JSON.parse at any chunk boundary", async () => {
    const record = fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue({ maxDepth: 3 }), { minKeys: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 8 }), fc.constantFrom(undefined, 2), async (records, indent) => {
        const wide = records.map((each) => ({ ...each, padding: 'x\\"[{,'.repeat(9_000) }));
        const { all } = await read(JSON.stringify(wide, null, indent), "json");
        const { all: expected } = await read(lines(...wide), "jsonl", "file.json");
        expect(all).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ['[{"text":"a"},{"text":"b"}]', ["a", "b"]],
    ['{"version":"1 [","data":[{"text":"a"}],"rows":[{"text":"b"}]}', ["a", "b"]],
    ['{"features":[{"a":1}],"rows":[{"row_idx":0,"row":{"text":"a"},"truncated_cells":[]}]}', ["a"]],
    ['{"question":"Why, {really}?","answer":"So ]"}', ["Question: Why, {really}?\nAnswer: So ]"]],
    ['["a","b"]', ["a", "b"]],
    ["[]", []],
    [" [ ] ", []],
  ])("%s contains %j", async (text, expected) => {
    const { rows, problems } = await read(text, "json");
    expect(rows.map((row) => row.text)).toEqual(expected);
    expect(problems).toEqual([]);
  });

  test("a malformed element is a problem, and the elements around it are read", async () => {
    const huge = `{"text":"${"x".repeat(maxRecordLength)}"}`;
    const { rows, problems } = await read(`[{"text":"a"},{text:1},${huge},7,{"text":"b"},]`, "json");
    expect(rows.map(({ source }) => source)).toEqual(["file.json#1", "file.json#5"]);
    expect(problems.map(({ position, code }) => [position, code])).toEqual([
      [2, "invalid_record"],
      [3, "too_long"],
      [4, "invalid_record"],
    ]);
  });

  test.each([
    ['[{"text":"a"},{"te', "truncated"],
    ['{"text":"a"', "truncated"],
    ["", "truncated"],
    ['[{"text":"a"]}', "without an opening bracket"],
    ['[{"text":"a"}] [', "after the end"],
    ["hello", "not a JSON array"],
  ])("%s is refused with a reason", async (text, reason) => {
    await expect(read(text, "json")).rejects.toThrow(reason);
  });
});

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
      [6, "invalid_record"],
    ]);
    expect(problems.at(-1)!.message).toBe("is missing beside a comma");
  });

  test.each([
    ['{"question":["a","b"],"answer":["c",4]}', ["Question: a\nAnswer: c", "Question: b\nAnswer: 4"]],
    ['{"question":{"0":"a","1":"b"},"answer":{"0":"c","1":null}}', ["Question: a\nAnswer: c", "Question: b"]],
    ['{"text":["a, [","b\\"]}"]}', ["a, [", 'b"]}']],
    ['{"id":[1,2],"messages":[[{"role":"user","content":"a"}],[{"role":"user","content":"b"}]]}', ["user: a", "user: b"]],
    ['{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}', ["user: a\n\nassistant: b"]],
    ['{"question":"a","choices":["b","c"]}', ['question: a\nchoices: ["b","c"]']],
    ['{"question":["a","b"],"choices":["b"]}', ['question: ["a","b"]\nchoices: ["b"]']],
    ['{"a":{"0":"x","2":"y"}}', ['a: {"0":"x","2":"y"}']],
  ])("%s is read by column if it has columns", async (text, expected) => {
    const { rows, problems } = await read(text, "json");
    expect(rows.map((row) => row.text)).toEqual(expected);
    expect(problems).toEqual([]);
  });

  test("columns of more than a record's length are read", async () => {
    const columns = {
      id: Array.from({ length: 30_000 }, (_, id) => id),
      text: Array.from({ length: 30_000 }, (_, id) => `text ${id} ${"x".repeat(60)}`),
    };
    const { rows, problems } = await read(JSON.stringify(columns), "json");
    expect(problems).toEqual([]);
    expect(rows).toHaveLength(30_000);
    expect(rows.at(-1)).toMatchObject({ source: "file.json#30000", fields: { metadata: { id: 29_999 } } });
  });

  test("columns of too many values are refused", async () => {
    const text = `{"a":[${"1,".repeat(1_000_000)}1]}`;
    await expect(read(text, "json")).rejects.toThrow("has more than 1,000,000 values in columns. Write it as JSON Lines.");
  });

  test("a key that an object has twice is a problem, and the row is read", async () => {
    const { rows, problems } = await read('[{"text":"a","b":{"c":1,"c":2}},{"text":"b"}]', "json");
    expect(rows.map(({ text }) => text)).toEqual(["a", "b"]);
    expect(problems).toEqual([
      { position: 1, code: "left_out", message: "has a key twice in an object. Only its last value was read" },
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

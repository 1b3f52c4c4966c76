import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalizeText } from "../../../src/datasets/formats/text/normalize.ts";
import { maxRowLength } from "../../../src/datasets/constants.ts";
import { RowFilter } from "../../../src/datasets/cleaning/row-filter.ts";
import { read } from "../support/datasets.ts";

async function refine(...records: unknown[]) {
  const refiner = new RowFilter();
  const { rows } = await read(records.map((record) => JSON.stringify(record)).join("\n"), "jsonl");
  const refined = [];
  for (const row of rows) refined.push(await refiner.evaluate(row));
  return { refined, counts: refiner.counts, dropped: refined.map((row) => row.dropped) };
}

const chat = (...messages: [string, string][]) => ({ messages: messages.map(([role, content]) => ({ role, content })) });

describe("RowFilter", () => {
  test.each([
    [{ text: "A sentence." }, null],
    [{ text: " \n " }, "empty"],
    [{ a: "", b: null }, "empty"],
    [chat(["user", ""]), "empty"],
    [{ text: "--- !? ---" }, "malformed"],
    [{ instruction: "Add", output: "" }, "malformed"],
    [{ instruction: "", output: "3" }, "malformed"],
    [{ question: "Why?", answer: " " }, "malformed"],
    [{ question: "Is it?", answers: { text: [] } }, "malformed"],
    [{ question: "Is it?", answers: { text: [] }, is_impossible: true }, null],
    [{ prompt: "Hi", completion: "" }, "malformed"],
    [chat(["user", "Hi"], ["assistant", "Hello"]), null],
    [chat(["user", "Hi"]), "malformed"],
    [chat(["assistant", "Hello"]), "malformed"],
    [chat(["user", "Hi"], ["assistant", "Hello"], ["narrator", "Silence."]), "malformed"],
    [{ text: "x".repeat(maxRowLength) }, null],
    [{ text: "x".repeat(maxRowLength + 1) }, "too_long"],
  ] as const)("of %j it drops: %s", async (record, dropped) => {
    const refined = await refine(record);
    expect(refined.dropped).toEqual([dropped]);
    expect(refined.counts[dropped ?? "kept"]).toBe(1);
  });

  test("it keeps the first of rows that are equal after normalization and counts every result", async () => {
    const long =
      "The quick brown fox jumps over the lazy dog while the rain in Spain falls mainly on the plain, they say. ".repeat(3);
    const { refined, counts, dropped } = await refine(
      { text: "Caf\u00E9 au lait" },
      { text: "Cafe\u0301 au\u0000 lait  " },
      { text: long },
      { text: `${long}Really.` },
      { text: "" },
      { text: "..." },
      { text: "Something else" },
    );
    expect(dropped).toEqual([null, "duplicate", null, "near_duplicate", "empty", "malformed", null]);
    expect(counts).toEqual({ kept: 3, duplicate: 1, near_duplicate: 1, empty: 1, malformed: 1, too_long: 0 });
    expect(refined[0]!.hash).toBe(refined[1]!.hash);
    expect(refined[0]!.hash).toBe("793e7643ce558259f6fe71f9ecaaf268acbcd011a2bb4c7f561df05a133d4d08");
  });

  test("it normalizes the columns as well as the text", async () => {
    const { refined } = await refine({ question: "Cafe\u0301?\r\nNow?", answer: "Yes\u0007", tags: ["e\u0301 "] });
    expect(refined[0]!.row.text).toBe("Question: Caf\u00E9?\nNow?\nAnswer: Yes");
    expect(refined[0]!.row.fields).toEqual({ question: "Caf\u00E9?\nNow?", answer: "Yes", metadata: { tags: ["\u00E9"] } });
  });

  test("it does not change normalized text, and its output can be stored", () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
        fc.constantFrom("\r", "\n", " ", "\t", "\f", "\u0000", "\uD800", "e", "\u0301"),
      ),
    });
    fc.assert(
      fc.property(text, (each) => {
        const normal = normalizeText(each);
        expect(normalizeText(normal)).toBe(normal);
        expect(normal.isWellFormed()).toBe(true);
        // oxlint-disable-next-line no-control-regex -- it is what must not be there
        expect(normal).not.toMatch(/[\u0000\r\uFEFF]|[ \t]\n|[ \t]$/);
      }),
      { numRuns: 1_000 },
    );
  });

  // With steps that grow with the square of the length, this would not end.
  test("a text of a million spaces takes linear time", () => {
    expect(normalizeText(`${" ".repeat(1_000_000)}x`)).toMatch(/x$/);
  });
});

test("texts of emoji alone are texts, and marks alone are none", async () => {
  const filter = new RowFilter();
  const droppedOf = async (text: string) =>
    (await filter.evaluate({ kind: "text", text, fields: null, source: "a", start: 0 })).dropped;
  for (const text of ["\u{1F600}", "\u{1F44D}\u{1F3FD}", "\u{1F1E8}\u{1F1ED}", "\u2764\uFE0F"])
    expect(await droppedOf(text)).toBeNull();
  for (const text of ["----", "\u2500\u2500", "?!"]) expect(await droppedOf(text)).toBe("malformed");
});

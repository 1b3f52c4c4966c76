import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Sections } from "../../../../src/datasets/formats/text/sections.ts";
import { expectSections, fixture, read } from "../../support/datasets.ts";
import { maxRowLength } from "../../../../src/datasets/constants.ts";
import { normalizeText } from "../../../../src/datasets/formats/text/normalize.ts";

const paragraphs = (count: number, words: number) =>
  Array.from({ length: count }, (_, index) => `Paragraph ${index} ${"word ".repeat(words).trim()}.`);

describe("the text of a document", () => {
  test("consecutive sections contain the whole text", async () => {
    for (const [name, format] of [
      ["angler.txt", "text"],
      ["angler.md", "markdown"],
    ] as const) {
      const bytes = fixture(name);
      const { rows, problems } = await read(bytes, format, name);
      expect(problems).toEqual([]);
      expect(rows.length).toBeGreaterThan(1);
      expectSections(rows);
      expect(rows.map((row) => row.text).join("")).toBe(normalizeText(Buffer.from(bytes).toString("utf8")));
    }
  });

  test("a section ends before a heading outside fences, else at a blank line, a line, a sentence or a word", async () => {
    const filler = paragraphs(40, 100).join("\n\n");
    const cuts = async (text: string) => (await read(text, "markdown")).rows.map((row) => row.text);
    const half = `${filler}\n\n`;
    const [first, second] = await cuts(`${half}## Part\n\n### Small\n\n${half}`);
    expect(first).toBe(half);
    expect(second!.startsWith("## Part\n\n### Small")).toBe(true);
    const [fenced] = await cuts(`${half}\`\`\`\n# a comment\n\`\`\`\n${half}`);
    expect(fenced).toContain("# a comment");
    expect((await cuts(half + half)).every((text) => text.startsWith("Paragraph") && text.endsWith(".\n\n"))).toBe(true);
    expect((await cuts(paragraphs(80, 100).join("\n"))).every((text) => text.startsWith("Paragraph"))).toBe(true);
    expect((await cuts(paragraphs(80, 100).join(" "))).every((text) => /^ ?Paragraph/.test(text) && /\.\n?$/.test(text))).toBe(
      true,
    );
    expect((await cuts("word ".repeat(20_000))).every((text) => /^ ?word /.test(text) && /word\n?$/.test(text))).toBe(true);
  });

  test("ten million characters in one line are read, and no character is split", async () => {
    const { rows } = await read("😀e\u0301".repeat(2_500_000), "text");
    expectSections(rows);
    expect(rows.map((row) => row.text).join("")).toBe(`${"😀é".repeat(2_500_000)}\n`);
  });

  test("lines that are not UTF-8 are left out and reported", async () => {
    const bytes = Buffer.concat([
      Buffer.from("one\ntw"),
      Buffer.from([0xff]),
      Buffer.from("\nthree \uFFFD\r\nfour"),
      Buffer.from([0xe2, 0x82]),
    ]);
    const { rows, problems } = await read(bytes, "text");
    expect(rows.map((row) => row.text)).toEqual(["one\nthree \uFFFD\n"]);
    expect(problems.map(({ position, code }) => [position, code])).toEqual([
      [2, "invalid_encoding"],
      [4, "invalid_encoding"],
    ]);
  });

  test("the sections of any text are bounded and do not overlap", () => {
    const line = fc.string({
      unit: fc.constantFrom("word ", "a", "é", "e\u0301", "😀", "\u0958", ". ", "\t", "\u0000", "\r"),
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(line, fc.constantFrom(1, 50, 900), fc.boolean()), { maxLength: 12 }), (pieces) => {
        const sections = new Sections("x");
        const all = pieces.flatMap(([text, times, isLast]) => [...sections.add(text.repeat(times), isLast)]);
        const rows = [...all, ...sections.end()].flatMap((parsed) => ("row" in parsed ? [parsed.row] : []));
        for (const row of rows) expect(row.text.length).toBeLessThanOrEqual(maxRowLength);
        const ends = rows.map((row) => row.start + row.text.length);
        expect(rows.slice(1).every((row, index) => row.start >= ends[index]!)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

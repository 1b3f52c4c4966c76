import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CsvScanner } from "../../../../src/datasets/formats/csv/csv-scanner.ts";
import { maxColumns, maxRecordLength } from "../../../../src/datasets/constants.ts";
import { detect, read } from "../../support/datasets.ts";

const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;

const scan = (chunks: string[], separator = ",", limits = { maxLength: maxRecordLength, maxCells: maxColumns }) => {
  const scanner = new CsvScanner(separator, limits);
  return [...chunks.flatMap((chunk) => [...scanner.push(chunk)]), ...scanner.end()];
};

/** Cuts a text at these places, from 0 to 1. */
const cutAt = (text: string, places: readonly number[]) => {
  const cuts = [0, ...places.map((place) => Math.floor(place * text.length)).sort((a, b) => a - b), text.length];
  return cuts.slice(1).map((cut, index) => text.slice(cuts[index], cut));
};

const columns = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`).join(",");

const cell = fc.string({ unit: fc.constantFrom("a", "é", "😀", '"', ",", ";", "\t", "\n", "\r", " ", "="), maxLength: 6 });
const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });

describe("CSV", () => {
  test("any cells are parsed as they were written, at any chunk boundary", () => {
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(
        table,
        fc.constantFrom(",", ";", "\t", "|"),
        fc.constantFrom("\n", "\r\n", "\r"),
        places,
        (cells, separator, end, cuts) => {
          const text = cells.map((each) => each.map(quoted).join(separator) + end).join("");
          expect(scan(cutAt(text, cuts), separator).map((record) => record.cells)).toEqual(cells);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("malformed CSV is parsed in the same way at any chunk boundary", () => {
    const text = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r\n"), maxLength: 40 });
    fc.assert(
      fc.property(text, places, (each, cuts) => {
        const limits = { maxLength: 10, maxCells: 3 };
        expect(scan(cutAt(each, cuts), ",", limits)).toEqual(scan([each], ",", limits));
      }),
      { numRuns: 500 },
    );
  });

  test("rows use the column names of the first line", async () => {
    const text = '\uFEFFQuestion,"Answer",,question\r\nWhy?,"He said ""no"",\nthen left",x,y\r\n\r\n=1+1,@SUM(A1),,\r\n';
    const { rows, problems } = await read(text, "csv", "faq.csv");
    expect(problems).toEqual([]);
    expect(rows).toEqual([
      {
        kind: "question",
        text: 'Question: Why?\nAnswer: He said "no",\nthen left',
        fields: { question: "Why?", answer: 'He said "no",\nthen left', metadata: { column_3: "x", question: "y" } },
        source: "faq.csv#1",
        start: 0,
      },
      {
        kind: "question",
        text: "Question: =1+1\nAnswer: @SUM(A1)",
        fields: { question: "=1+1", answer: "@SUM(A1)", metadata: { column_3: "", question: "" } },
        source: "faq.csv#2",
        start: 0,
      },
    ]);
  });

  test.each([
    ["a;b\n1,5;2\n", "a: 1,5\nb: 2"],
    ["a|b\n1|2\n", "a: 1\nb: 2"],
    ['"a,a,a";b\n1;2\n', "a,a,a: 1\nb: 2"],
    ["a,b\n1,2", "a: 1\nb: 2"],
  ])("the delimiter of %j is detected from its first line", async (text, expected) => {
    expect((await read(text, "csv")).rows.map((row) => row.text)).toEqual([expected]);
  });

  test("a malformed row is a problem, and the rows around it are read", async () => {
    const bytes = Buffer.concat([
      Buffer.from("a,b\n1,one\n2\n3,three,more\n4,four,,\n5,"),
      Buffer.from([0xff]),
      Buffer.from('\n6,"six\n7,seven\n8,ei"ght\n'),
    ]);
    const { rows, problems } = await read(bytes, "csv");
    expect(rows.map(({ source, text }) => [source, text])).toEqual([
      ["file.csv#1", "a: 1\nb: one"],
      ["file.csv#4", "a: 4\nb: four"],
      ["file.csv#6", "a: 6\nb: six\n7,seven\n8,eight"],
    ]);
    expect(problems).toEqual([
      { position: 2, code: "ragged", message: "line 3: has 1 cells, but the header has 2" },
      { position: 3, code: "ragged", message: "line 4: has 3 cells, but the header has 2" },
      { position: 5, code: "invalid_encoding", message: "line 6: is not valid UTF-8" },
      {
        position: 6,
        code: "left_out",
        message:
          "line 7: has text after a closing quote, which was read without the quotes. Double the quotes inside of a cell",
      },
    ]);
  });

  test("an unclosed quote costs only its line", async () => {
    const { rows, problems } = await read('a,b\n1,one\n2,"two\n3,three\n4,four\n', "csv");
    expect(rows.map(({ source, text }) => [source, text])).toEqual([
      ["file.csv#1", "a: 1\nb: one"],
      ["file.csv#3", "a: 3\nb: three"],
      ["file.csv#4", "a: 4\nb: four"],
    ]);
    expect(problems).toEqual([{ position: 2, code: "quote_not_closed", message: "line 3: has a quote that is never closed" }]);
  });

  test.each([
    ["in one cell", "x".repeat(10_000_000), "too_long"],
    ["in a quote", `"${"x".repeat(10_000_000)}"`, "quote_not_closed"],
    ["in a quote that is never closed", `"${"x".repeat(10_000_000)}`, "quote_not_closed"],
    ["in many cells", "x,".repeat(5_000_000), "ragged"],
  ])("ten million characters %s are a problem, and the next row is read", async (_, long, code) => {
    const { rows, problems } = await read(`a,b\n1,${long}\n2,two\n`, "csv");
    expect(problems.map((problem) => [problem.position, problem.code])).toEqual([[1, code]]);
    expect(rows.map(({ source, text }) => [source, text])).toEqual([["file.csv#2", "a: 2\nb: two"]]);
  });

  test("a table may have 2,000 columns, and a row of more is a problem", async () => {
    const { rows, problems } = await read(
      `${columns(2_000)}\n${columns(2_000)}\n${columns(2_001)}\n${columns(2_000)}\n`,
      "csv",
    );
    expect(rows.map(({ source }) => source)).toEqual(["file.csv#1", "file.csv#3"]);
    expect(problems).toEqual([{ position: 2, code: "ragged", message: "line 3: has more than 2,000 columns" }]);
  });

  test("TSV is separated by tabs", async () => {
    const { rows } = await read("prompt\tresponse\nHi, you\tHello; you\n", "tsv");
    expect(rows.map((row) => row.fields)).toEqual([{ prompt: "Hi, you", response: "Hello; you" }]);
  });

  test.each([
    ['"a,b\n1,2\n', "no header line with column names"],
    [columns(2_001), "has more than 2,000 columns. Keep only the columns that you need."],
    ["a,".repeat(2_000_000), "has more than 2,000 columns. Keep only the columns that you need."],
  ])("an unusable first line is refused with a reason", async (text, reason) => {
    await expect(read(text, "csv")).rejects.toThrow(reason);
  });
});

describe("CSV as programs write it", () => {
  const recordsOf = async (content: string | Uint8Array, format: "csv" | "tsv" = "csv") => {
    const { rows, problems } = await read(content, format);
    return { records: rows.map(({ fields }) => fields), problems };
  };

  test.each([
    ["sep=;\na;b\n1,5;x\n", [{ a: "1,5", b: "x" }]],
    ["\uFEFFsep=,\r\na,b\r\n1;5,x\r\n", [{ a: "1;5", b: "x" }]],
    ['"sep=|"\na|b\n1|x\n', [{ a: "1", b: "x" }]],
    ["SEP=^\na^b\n1^x\n", [{ a: "1", b: "x" }]],
    ["sep=]\na]b\n1]x\n", [{ a: "1", b: "x" }]],
    ["sep=\t\na\tb\n1\tx\n", [{ a: "1", b: "x" }]],
  ])("%j has the separator that it declares", async (text, expected) => {
    expect(await recordsOf(text)).toEqual({ records: expected, problems: [] });
    expect(await detect(text, "file")).toBe(text.includes("\t") ? "tsv" : "csv");
  });

  test("Windows-1252 is recognized, also after a megabyte of ASCII", async () => {
    const text = `a,b\n${"1,x\n".repeat(300_000)}caf\u00e9,\u201cna\u00efve\u201d \u20ac5\n`;
    const bytes = Buffer.from(
      text.replaceAll("\u201c", "\x93").replaceAll("\u201d", "\x94").replace("\u20ac", "\x80"),
      "latin1",
    );
    const { rows, problems } = await read(bytes, "csv");
    expect(problems).toEqual([]);
    expect(rows.at(-1)!.fields).toEqual({ a: "caf\u00e9", b: "\u201cna\u00efve\u201d \u20ac5" });
  });

  test("a file with one invalid byte among UTF-8 is UTF-8", async () => {
    const bytes = Buffer.concat([Buffer.from("a,b\n"), Buffer.from([0xe9]), Buffer.from(",x\nGr\u00fc\u00dfe,y\n")]);
    const { rows, problems } = await read(bytes, "csv");
    expect(rows.map(({ fields }) => fields)).toEqual([{ a: "Gr\u00fc\u00dfe", b: "y" }]);
    expect(problems.map(({ code }) => code)).toEqual(["invalid_encoding"]);
  });

  test.each([
    ['a, b\n1, "x, y"\n', [{ a: "1", b: "x, y" }]],
    ['a,b\n"1" , "x ""y""" \n', [{ a: "1", b: 'x "y"' }]],
    ['a,b\n1, "x" y\n', [{ a: "1", b: ' "x" y' }]],
    [
      'a,b\n1, "x\n2,y\n',
      [
        { a: "1", b: ' "x' },
        { a: "2", b: "y" },
      ],
    ],
  ])("%j has quoted cells after spaces", async (text, expected) => {
    const { records } = await recordsOf(text);
    expect(records[0]).toEqual(expected[0]);
  });

  test("text after a closing quote is read, and is a problem", async () => {
    const { records, problems } = await recordsOf('a,b\n"x" y,z\n');
    expect(records).toEqual([{ a: "x y", b: "z" }]);
    expect(problems).toMatchObject([
      { position: 1, code: "left_out", message: expect.stringContaining("text after a closing quote") },
    ]);
  });

  test.each([
    "Ada,36,true\nGrace,85,false\n",
    "2026-01-02,rain\n2026-01-03,sun\n",
    "ada@a.example,1\ngrace@a.example,2\n",
    "How are you?,I am fine.\nWho are you?,I am Ada.\n",
    `${"x".repeat(201)},y\nz,w\n`,
  ])("%j has no header, so its first record is data", async (text) => {
    const { rows } = await read(text, "csv");
    expect(rows).toHaveLength(2);
    expect(Object.keys(rows[0]!.fields!)[0]).toBe("column_1");
  });

  test.each([
    "country,2001,2002\nBern,1,2\n",
    "0,1,2\na,b,c\n",
    "How old are you?,Your name\n36,Ada\n",
    "Name,Q1,No.\nAda,1,2\n",
  ])("%j has a header", async (text) => {
    expect((await read(text, "csv")).rows).toHaveLength(1);
  });
});

import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalise } from "../../../src/datasets/formats/text/normalize.ts";
import { Sections } from "../../../src/datasets/formats/text/sections.ts";
import { type ByteSource, memorySource, type ParsedRow } from "../../../src/datasets/formats/types.ts";
import { parseRows } from "../../../src/datasets/formats/parse-file.ts";
import { maxRowLength } from "../../../src/datasets/constants.ts";
import { fixture, fixtures, read } from "../support/datasets.ts";

/** That sections follow one another without a gap, none too long, each as refining leaves it. */
function expectSections(rows: ParsedRow[]) {
  let start = 0;
  for (const row of rows) {
    expect(row.start).toBe(start);
    expect(row.text.length).toBeLessThanOrEqual(maxRowLength);
    expect(normalise(row.text)).toBe(row.text);
    start += row.text.length;
  }
}

const paragraphs = (count: number, words: number) =>
  Array.from({ length: count }, (_, index) => `Paragraph ${index} ${"word ".repeat(words).trim()}.`);

describe("the text of a document", () => {
  test("is all there, in sections that follow one another", async () => {
    for (const [name, format] of [
      ["angler.txt", "text"],
      ["angler.md", "markdown"],
    ] as const) {
      const bytes = fixture(name);
      const { rows, problems } = await read(bytes, format, name);
      expect(problems).toEqual([]);
      expect(rows.length).toBeGreaterThan(1);
      expectSections(rows);
      expect(rows.map((row) => row.text).join("")).toBe(normalise(Buffer.from(bytes).toString("utf8")));
    }
  });

  test("is cut before a heading, and not in a fence, else at a blank line, a line, a sentence, a word", async () => {
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

  test("of ten million characters in one line is read, and no character is halved", async () => {
    const { rows } = await read("😀e\u0301".repeat(2_500_000), "text");
    expectSections(rows);
    expect(rows.map((row) => row.text).join("")).toBe(`${"😀é".repeat(2_500_000)}\n`);
  });

  test("has its lines left out that are no UTF-8, and says which", async () => {
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

  test("is in sections that are bounded and do not overlap, whatever it is", () => {
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

describe("a web page", () => {
  test("is read as it is shown, with headings and lists as Markdown writes them", async () => {
    const page =
      "<!doctype html><html><head><title>No</title><style>p{}</style><body><nav>Menu</nav><h1>A &amp;\n B</h1><p>One <b>bold</b>ly<br>two" +
      "<p>three<ul><li>x<li><p>y</p></ul><table><tr><th>k<th>v<tr><td><p>1</p><td><p>2</p></table><pre>  if\n    x</pre><script>no()</script>" +
      "<div>caf&eacute; &#x1F600; &lt;b&gt;</div><template>no</template><!-- no -->end";
    const { rows } = await read(page, "html", "page.html");
    expect(rows).toEqual([
      {
        kind: "text",
        text: "# A & B\n\nOne boldly\ntwo\n\nthree\n\n- x\n\n- y\n\nk | v\n1 | 2\n\n  if\n    x\n\ncafé 😀 <b>\nend\n",
        fields: null,
        source: "page.html",
        start: 0,
      },
    ]);
  });

  test("is read in the encoding that it names", async () => {
    const { rows } = await read(fixture("angler.html"), "html");
    expect(rows[0]!.text).toMatch(
      /^## CHAP\. III\.\n\nPiscat\. Wel met brother Peter, I heard you & a friend would lodg here to night/,
    );
    expect(rows[0]!.text).toMatch(/\n\nPrinted at the régime of Fürst & Cie\., 1896\.\n$/);
    expect(rows[0]!.text).not.toMatch(/Contents of all|not to be read|text-indent/);
    const unknown = '<meta charset="no-such-one"><p>caf\u00E9';
    expect((await read(unknown, "html")).rows[0]!.text).toBe("café\n");
  });
});

describe("a Word document", () => {
  test("has headings, lists and tables", async () => {
    const { rows, problems } = await read(fixture("angler.docx"), "docx", "angler.docx");
    expect(problems).toEqual([]);
    expectSections(rows);
    const text = rows.map((row) => row.text).join("");
    expect(text).toMatch(
      /^# The Complete Angler\n\n# Chapter IX\n\nPisc\. The Bream being at a full growth, is a large and stately fish/,
    );
    expect(text).toContain("\n\n# Chapter X\n\n");
    expect(text).toMatch(
      /## Baits by month\n\nMonth \| Fly\nMarch \| the dun-fly\nApril \| the stone-fly\nMay \| the ruddy-fly\n\n- rod\n- line\n- hook\n$/,
    );
  });
});

describe("a PDF", () => {
  test("is read page by page, with paragraphs", async () => {
    const { rows, problems } = await read(fixture("angler.pdf"), "pdf", "angler.pdf");
    expect(problems).toEqual([]);
    expectSections(rows);
    expect(rows.map((row) => row.source)).toEqual(Array.from({ length: 9 }, (_, page) => `angler.pdf#p${page + 1}`));
    expect(rows[0]!.text).toMatch(
      /^Chapter VI\n+The Salmon is ever bred in the fresh Rivers \(and in most Rivers about the month of August\) and\nnever grows big/,
    );
    expect(rows[0]!.text.split("\n\n").length).toBeGreaterThan(3);
  });
});

describe("the pages of a PDF", () => {
  const pdf = (name: string) => read(readFileSync(`test/fixtures/pdf/${name}.pdf`), "pdf", "a.pdf");
  const first = "The bream is a large and stately fish, and loves ponds.\n\nThe tench is the physician of fishes.\n";

  test.each(["three-pages", "restricted"])("of %s are read, and a picture of one is a problem", async (name) => {
    const { rows, problems } = await pdf(name);
    expect(rows).toEqual([
      { kind: "text", text: first, fields: null, source: "a.pdf#p1", start: 0 },
      { kind: "text", text: "The last page.\n", fields: null, source: "a.pdf#p3", start: first.length },
    ]);
    expect(problems).toEqual([{ position: 2, code: "no_text", message: "holds no text: it may be a picture of a page" }]);
  });

  test("are not read without the password, and that is what is said", async () => {
    await expect(pdf("locked")).rejects.toThrow("is a PDF with a password");
  });
});

describe("a Parquet file", () => {
  test("has a row for each of its rows, over its row groups", async () => {
    const { rows, problems } = await read(fixture("paragraphs.parquet"), "parquet", "p.parquet");
    expect(problems).toEqual([]);
    expect(rows).toHaveLength(90);
    expect(rows[0]!.text).toMatch(/^Pisc\. The Barbell, is so called/);
    expect(rows.at(-1)).toMatchObject({ fields: { metadata: { chapter: "XIII" } }, source: "p.parquet#90" });
  });
});

test.each(fixtures)("%s gives the same rows wherever the chunks of its stream end", async (name, format) => {
  const bytes = fixture(name);
  const whole = memorySource(bytes);
  const source: ByteSource = {
    ...whole,
    stream: async () =>
      new ReadableStream({
        start(controller) {
          for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7 + 3) % 1_009)
            controller.enqueue(bytes.slice(at, at + size));
          controller.close();
        },
      }),
  };
  const all = [];
  for await (const parsed of parseRows(source, { format, name })) all.push(parsed);
  expect(all).toEqual((await read(bytes, format, name)).all);
});

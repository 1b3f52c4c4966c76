import { readFile } from "node:fs/promises";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunkText, type ChunkSettings } from "../../../src/knowledge/chunking/chunk-text.ts";
import { chunkStrategies } from "../../../src/knowledge/constants.ts";

const cut = (text: string, settings: Partial<ChunkSettings> = {}) =>
  Array.from(chunkText(text, { strategy: "auto", chunk_size: 100, chunk_overlap: 0, ...settings }));
const texts = (text: string, settings: Partial<ChunkSettings> = {}) => cut(text, settings).map((chunk) => chunk.text);

/** What is wrong with how a text is cut: not exact, not in order, out of bounds, left out, or torn. */
function faultsOf(text: string, settings: ChunkSettings): string[] {
  let covered = 0;
  let last = -1;
  const faults = Array.from(chunkText(text, settings)).flatMap((chunk) => {
    const wrong = {
      inexact: chunk.text !== text.slice(chunk.start, chunk.end),
      long: chunk.text.length > settings.chunk_size,
      blank: chunk.text.trim() === "",
      disorderly: chunk.start <= last || chunk.end <= covered,
      gap: text.slice(covered, Math.max(covered, chunk.start)).trim() !== "",
      overlap: covered - chunk.start > settings.chunk_overlap,
      torn: text.isWellFormed() && !chunk.text.isWellFormed(),
    };
    [last, covered] = [chunk.start, chunk.end];
    return Object.entries(wrong).flatMap(([fault, isSo]) => (isSo ? [`${fault} at ${chunk.start}`] : []));
  });
  return text.slice(covered).trim() === "" ? faults : [...faults, "cut short"];
}

const pieces = [
  ..."a Zé. ! 。語 \n \n\n \r\n \t # | ``` ~~~ - 1. } { ; ".split(" "),
  " ",
  "\n",
  "\u00a0",
  "\ufeff",
  "\n\n",
  "\r\n",
  "\n# ",
  "\n```\n",
  "\n=====\n",
  "\n---\n",
  "---\ntitle: a\n",
  "\n| a | b |\n|---|---|\n",
  "| c | d |\n",
  "1.[2] ",
  "word ",
  "The end. ",
  "👩‍👩‍👧‍👦",
  "e\u0301\u0302",
  "ไทยไม่มีช่องว่าง",
  "x".repeat(90),
  " ".repeat(130),
];

const settings = fc
  .record({ strategy: fc.constantFrom(...chunkStrategies), chunk_size: fc.integer({ min: 100, max: 300 }), part: fc.nat(150) })
  .map(({ part, ...rest }) => ({ ...rest, chunk_overlap: Math.min(part, Math.floor(rest.chunk_size / 2)) }));

describe("chunks of any text", () => {
  test("chunks are exact excerpts in order, within the size limits, and cover the whole text", () => {
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 300 }).map((all) => all.join(""));
    fc.assert(
      fc.property(text, settings, (given, how) => {
        expect(faultsOf(given, how)).toEqual([]);
      }),
      { numRuns: 1_500 },
    );
  });

  test("the last chunk ends with the text, and an overlap alone is no chunk before a heading", () => {
    const text = `${"x".repeat(90)}aaa${"x".repeat(90)}word \n# a`;
    const how = { strategy: "auto", chunk_size: 187, chunk_overlap: 1 } as const;
    expect(faultsOf(text, how)).toEqual([]);
    expect(texts(text, how)).toEqual([text.slice(0, 187), "# a"]);
  });

  test("a text with lone surrogates, or a single character, is chunked", () => {
    for (const text of ["\ud800".repeat(500), `x${"\ude00".repeat(500)}`, "👍".repeat(300), `e${"\u0301".repeat(700)}`]) {
      for (const chunk_overlap of [0, 50])
        expect(faultsOf(text, { strategy: "auto", chunk_size: 100, chunk_overlap })).toEqual([]);
    }
  });

  test.each(["", " ", "\n\n \t\r\n", "\ufeff"])("white space has no chunks (%j)", (text) => {
    expect(cut(text)).toEqual([]);
  });
});

describe("a text of 10 MB in one line", () => {
  test.each([
    ["words", "some words that go on and on "],
    ["sentences", "It goes on. So does this one, for a while. "],
    ["no spaces", "abcdefghij"],
    ["a script without spaces", "漢字かな混じり文。"],
    ["emoji", "👩‍👩‍👧‍👦👍🏽"],
    ["white space", " "],
  ])("%s give few chunks", (_, piece) => {
    const text = piece.repeat(Math.ceil(10_000_000 / piece.length));
    const chunks = cut(text, { chunk_size: 1_000, chunk_overlap: 100 });
    expect(chunks.length).toBeLessThan((4 * text.length) / 1_000);
  });
});

const handbook = `# Handbook

What everyone should know of the house before the first day of work begins.

## Travel ##

### Trains

Book the second class, and hand the ticket in within thirty days of the journey. Seats are paid for.

Nothing is paid for rides that were not taken, unless illness kept you from travelling that morning.

## Tools

\`\`\`sh
# no heading
npm ci

npm test
\`\`\`
`;

describe("Markdown chunks", () => {
  const chunks = cut(handbook, { chunk_size: 150 });

  test("chunks start at headings and include the parent headings", () => {
    expect(chunks.map(({ heading }) => heading)).toEqual([
      "Handbook",
      "Handbook > Travel > Trains",
      "Handbook > Travel > Trains",
      "Handbook > Tools",
    ]);
    expect(chunks[1]!.text).toMatch(/^## Travel ##\n\n### Trains\n\nBook/);
    expect(chunks[2]!.text).toMatch(/^Nothing is paid/);
  });

  test("fenced code has no headings and stays in one chunk", () => {
    expect(chunks[3]!.text).toBe("## Tools\n\n```sh\n# no heading\nnpm ci\n\nnpm test\n```");
    expect(cut("# A\n~~~~\n~~~\n# B\n~~~~\n# C\n").map(({ heading }) => heading)).toEqual(["A", "C"]);
  });

  test("a heading of a higher level ends deeper ones, and levels may be skipped", () => {
    const headings = cut("intro\n# A\na\n### B\nb\n## C\nc\n# D\nd").map(({ heading }) => heading);
    expect(headings).toEqual([null, "A", "A > B", "A > C", "D"]);
  });

  test("a long heading is truncated between characters", () => {
    const [first] = cut(`# ${"👍".repeat(300)}`);
    expect(first!.heading).toMatch(/^(?:👍){70,80}$/u);
    expect(cut(`# x${"👍".repeat(300)}`)[0]!.heading!.isWellFormed()).toBe(true);
  });

  test("chunks end between paragraphs, else between list items and rows, rather than inside them", () => {
    const item = (n: number) => `- The item with number ${n} has a sentence. And another one.`;
    const items = Array.from({ length: 6 }, (_, n) => item(n));
    expect(texts(items.join("\n"), { chunk_size: 130 })).toEqual([0, 2, 4].map((n) => `${items[n]}\n${items[n + 1]}`));
    const row = (n: number) => `| row ${n} | ${"cell ".repeat(8)}|`;
    const rows = Array.from({ length: 500 }, (_, n) => row(n));
    const cells = texts(rows.join("\n"), { chunk_size: 120 });
    expect(cells).toHaveLength(250);
    expect(cells.every((text) => text.split("\n").every((line) => rows.includes(line)))).toBe(true);
  });
});

describe("headings of Markdown in other forms", () => {
  const headingsOf = (text: string, strategy: ChunkSettings["strategy"] = "auto") =>
    cut(text, { strategy }).map(({ heading }) => heading);

  test("an underlined line is a heading", () => {
    expect(headingsOf("Title\n=====\nintro\n\nPart\n---\ntext\n\n# Next\ntext\n")).toEqual(["Title", "Title > Part", "Next"]);
    expect(headingsOf("First\n=\r\ntext\r\n\r\nSecond\r\n-\r\ntext", "markdown")).toEqual(["First", "First > Second"]);
  });

  test("a line under a paragraph, a list, a quote, a table or code is no heading", () => {
    for (const text of [
      "# A\n\nSome text\n\n---\n\nmore",
      "# A\n\n- item\n---\nmore",
      "# A\n\n> quote\n---\nmore",
      "# A\n\none\ntwo\n---\nmore",
      "# A\n\n    code\n---\nmore",
      "# A\n\n```\ncode\n---\n```\nmore",
      "# A\n\na | b\n--- | ---\n1 | 2",
      "# A\n\n***\n---\nmore",
    ])
      expect([text, headingsOf(text)]).toEqual([text, ["A"]]);
  });

  test("no chunk ends between a heading and the line under it", () => {
    const text = Array.from(
      { length: 40 },
      (_, n) => `Heading ${n}\n${"=".repeat(n + 3)}\n\n${"Some words. ".repeat(n % 12)}`,
    ).join("\n\n");
    for (const [index, { text: each, heading }] of cut(text).entries())
      expect([index, each.startsWith("="), heading === null]).toEqual([index, false, false]);
  });

  test("the title of front matter is above all headings", () => {
    const text = '---\ntitle: "The Guide: 2"\ntags: [a, b]\n---\n\nIntro.\n\n# Start\n\nText.\n\n## Deep\n\nMore.\n';
    expect(headingsOf(text)).toEqual(["The Guide: 2", "The Guide: 2 > Start", "The Guide: 2 > Start > Deep"]);
    expect(headingsOf("---\ntitle: Same\n---\n# Same\ntext\n## Next\ntext")).toEqual(["Same", "Same > Next"]);
    expect(headingsOf("---\ndate: 2026-01-01\n---\n# Only\ntext")).toEqual(["Only"]);
  });
});

describe("chunks of tables", () => {
  const row = (n: number) => `| item ${n} | ${n} EUR | in stock |`;
  const header = "| Name | Price | State |";
  const table = (rows: number) =>
    [header, "| :--- | ---: | --- |", ...Array.from({ length: rows }, (_, n) => row(n))].join("\n");

  test("a chunk that starts inside a table has its header row", () => {
    const text = `# Stock\n\nAll that we have today.\n\n${table(20)}\n\nThe end of the list. ${"More words follow here. ".repeat(10)}`;
    const chunks = cut(text, { chunk_size: 200 });
    for (const { text: each, table_header } of chunks) {
      const startsInside = each.startsWith("| item") || each.startsWith("| :---");
      expect([each, table_header]).toEqual([each, startsInside ? header : null]);
    }
    expect(chunks.filter(({ table_header }) => table_header !== null).length).toBe(3);
    expect(chunks.some(({ text: each }) => each.endsWith(header) || each.endsWith("| --- |"))).toBe(false);
  });

  test("the last chunk and an overlap have the header row too", () => {
    const chunks = cut(table(9), { chunk_size: 150, chunk_overlap: 50 });
    expect(chunks.map(({ table_header }) => table_header)).toEqual([
      null,
      ...Array.from({ length: chunks.length - 1 }, () => header),
    ]);
  });

  test("a table needs no outer bars, and a long row has its header row in each chunk", () => {
    const text = `a | b\n--- | ---\none | ${"Some sentence of it. ".repeat(30)}\ntwo | 2\n\nText after it. ${"It goes on. ".repeat(20)}`;
    const chunks = cut(text);
    const last = chunks.findLastIndex(({ text: each }) => /sentence of it/.test(each));
    expect(chunks.slice(1, last + 1).every(({ table_header }) => table_header === "a | b")).toBe(true);
    expect(chunks.at(-1)!.table_header).toBeNull();
  });

  test("bars without a row of hyphens, or in code, are no table", () => {
    const bars = `x | y\n${Array.from({ length: 30 }, (_, n) => `a${n} | b`).join("\n")}`;
    for (const text of [`# A\n\n${bars}`, `# A\n\n\`\`\`\n${table(20)}\n\`\`\``])
      expect(
        cut(text)
          .map(({ table_header }) => table_header)
          .filter((each) => each !== null),
      ).toEqual([]);
  });

  test("a header row is cut at 500 characters", () => {
    const wide = `| ${"👍".repeat(400)} |\n|---|\n${"| cell |\n".repeat(100)}`;
    const { table_header } = cut(wide, { chunk_size: 1_000 }).at(-1)!;
    expect(table_header!.length).toBeLessThanOrEqual(500);
    expect(table_header!.isWellFormed()).toBe(true);
  });
});

describe("code chunks", () => {
  const method = (name: string) =>
    `  /** Tells ${name}. */\n  ${name}() {\n    const value = this.${name};\n\n    return value;\n  }`;
  const source = `import { a } from "./a.ts";\n\nclass House {\n${["door", "wall", "roof"].map(method).join("\n\n")}\n}\n`;

  test("chunks start before definitions with their comments, not at blank lines inside", () => {
    const chunks = texts(source, { chunk_size: 150 });
    expect(chunks).toHaveLength(3);
    expect(chunks[1]).toMatch(/^\/\*\* Tells wall/);
    expect(chunks[2]).toMatch(/^\/\*\* Tells roof/);
  });

  test("code of other languages is distinguished from prose by its lines", () => {
    const python = `import os\n\n${["one", "two"].map((name) => `def ${name}(path):\n    # looks\n    found = os.listdir(path)\n\n    return found\n`).join("\n\n")}`;
    expect(texts(python, { chunk_size: 100 })[1]).toMatch(/^def two/);
  });
});

describe("prose chunks", () => {
  const sentences = [
    "The tide was late that day.",
    "Nobody had told the men of it!",
    "So they sat.",
    "Was it long?",
    "It was not so, they said.",
  ];

  test("chunks end after sentences and overlap by whole sentences", () => {
    expect(texts(sentences.join(" "))).toEqual([sentences.slice(0, 4).join(" "), "It was not so, they said."]);
    expect(texts(sentences.join(" "), { chunk_overlap: 32 })).toEqual([
      sentences.slice(0, 4).join(" "),
      "So they sat. Was it long? It was not so, they said.",
    ]);
  });

  test("abbreviations and decimals do not end a sentence", () => {
    const text = `${"word ".repeat(12)}e.g. the thirteenth ${"word ".repeat(20)}`;
    expect(texts(text)[0]!.length).toBeGreaterThan(90);
  });

  test("chunks of lines of a fixed width end after sentences", () => {
    const words = Array.from({ length: 2_000 }, (_, n) =>
      n % 17 === 16 ? `word${n % 7}.` : n % 17 === 0 ? `Word${n % 5}` : `word${n % 11}`,
    );
    const lines = [""];
    for (const word of words) {
      if (lines.at(-1)!.length + word.length > 71) lines.push("");
      lines[lines.length - 1] += lines.at(-1) === "" ? word : ` ${word}`;
    }
    for (const mark of ["", "> ", "  "]) {
      const text = lines.map((line) => `${mark}${line}`).join("\n");
      for (const strategy of ["prose", "markdown"] as const)
        for (const chunk_size of [300, 500, 1_000]) {
          const ends = texts(text, { strategy, chunk_size }).map((each) => each.slice(-6));
          expect(ends.filter((end) => !end.endsWith(".")).slice(0, -1)).toEqual([]);
        }
    }
  });

  test("of a real book with lines of a fixed width, few chunks end inside a sentence", async () => {
    const book = await readFile("test/fixtures/formats/angler.txt", "utf8");
    const chunks = texts(book, { chunk_size: 1_000, chunk_overlap: 100 });
    // The rest are verses, captions and sentences of more than 700 characters. Cuts at line ends give 22 of 97.
    expect(chunks.filter((each) => !/[.!?]["'”’)\]*_]{0,3}$/.test(each)).length).toBeLessThan(chunks.length * 0.12);
  });

  test("a line end is preferred to a word where there is no sentence", () => {
    const verses = Array.from({ length: 12 }, (_, n) => `the verse of number ${n} has an end`);
    expect(texts(verses.join("\n")).every((each) => each.split("\n").every((line) => verses.includes(line)))).toBe(true);
  });

  test("the end of a paragraph is preferred", () => {
    const [first, second] = [sentences.slice(0, 2).join(" "), sentences.slice(2).join(" ")];
    expect(texts(`${first}\n\n${second}`)).toEqual([first, second]);
  });

  test("prose has no headings", () => {
    expect(cut("# 1 of us\ngoes", { strategy: "prose" })).toMatchObject([{ text: "# 1 of us\ngoes", heading: null }]);
    expect(cut("Title\n=====\ngoes", { strategy: "prose" })).toMatchObject([{ heading: null }]);
  });
});

test("a word is split only if it is too long, and a grapheme never", () => {
  const family = "👩‍👩‍👧‍👦";
  expect(texts(family.repeat(20)).map((text) => text.length / family.length)).toEqual([9, 9, 2]);
  const thai = texts("ไทยไม่มีช่องว่าง".repeat(10));
  expect(thai.slice(0, -1).every((text) => /(?:^|ไทย|ไม่|มี|ช่อง|ว่าง)$/.test(text) && text.length > 80)).toBe(true);
});

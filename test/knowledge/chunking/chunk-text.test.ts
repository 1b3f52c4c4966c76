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

describe("any text", () => {
  test("is cut exactly, within bounds, in order, with nothing left out", () => {
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 300 }).map((all) => all.join(""));
    fc.assert(
      fc.property(text, settings, (given, how) => {
        expect(faultsOf(given, how)).toEqual([]);
      }),
      { numRuns: 1_500 },
    );
  });

  test("ends where its words do: what is shared is no chunk of its own before a heading", () => {
    const text = `${"x".repeat(90)}aaa${"x".repeat(90)}word \n# a`;
    const how = { strategy: "auto", chunk_size: 187, chunk_overlap: 1 } as const;
    expect(faultsOf(text, how)).toEqual([]);
    expect(texts(text, how)).toEqual([text.slice(0, 187), "# a"]);
  });

  test("may have lone surrogates, and nothing but one character", () => {
    for (const text of ["\ud800".repeat(500), `x${"\ude00".repeat(500)}`, "👍".repeat(300), `e${"\u0301".repeat(700)}`]) {
      for (const chunk_overlap of [0, 50])
        expect(faultsOf(text, { strategy: "auto", chunk_size: 100, chunk_overlap })).toEqual([]);
    }
  });

  test.each(["", " ", "\n\n \t\r\n", "\ufeff"])("of white space alone has no chunks (%j)", (text) => {
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
  ])("takes seconds, of %s", { timeout: 20_000 }, (_, piece) => {
    const text = piece.repeat(Math.ceil(10_000_000 / piece.length));
    const start = performance.now();
    const chunks = cut(text, { chunk_size: 1_000, chunk_overlap: 100 });
    expect(performance.now() - start).toBeLessThan(8_000);
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

describe("Markdown", () => {
  const chunks = cut(handbook, { chunk_size: 150 });

  test("is cut at headings, which the chunks keep with those above", () => {
    expect(chunks.map(({ heading }) => heading)).toEqual([
      "Handbook",
      "Handbook > Travel > Trains",
      "Handbook > Travel > Trains",
      "Handbook > Tools",
    ]);
    expect(chunks[1]!.text).toMatch(/^## Travel ##\n\n### Trains\n\nBook/);
    expect(chunks[2]!.text).toMatch(/^Nothing is paid/);
  });

  test("has no headings in fenced code, which stays in one piece", () => {
    expect(chunks[3]!.text).toBe("## Tools\n\n```sh\n# no heading\nnpm ci\n\nnpm test\n```");
    expect(cut("# A\n~~~~\n~~~\n# B\n~~~~\n# C\n").map(({ heading }) => heading)).toEqual(["A", "C"]);
  });

  test("goes back to the level of a heading, and may leave levels out", () => {
    const headings = cut("intro\n# A\na\n### B\nb\n## C\nc\n# D\nd").map(({ heading }) => heading);
    expect(headings).toEqual([null, "A", "A > B", "A > C", "D"]);
  });

  test("has headings that are cut short, between characters, where they are long", () => {
    const [first] = cut(`# ${"👍".repeat(300)}`);
    expect(first!.heading).toMatch(/^(?:👍){70,80}$/u);
    expect(cut(`# x${"👍".repeat(300)}`)[0]!.heading!.isWellFormed()).toBe(true);
  });

  test("is cut between paragraphs, else items and rows, rather than inside them", () => {
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

describe("code", () => {
  const method = (name: string) =>
    `  /** Tells ${name}. */\n  ${name}() {\n    const value = this.${name};\n\n    return value;\n  }`;
  const source = `import { a } from "./a.ts";\n\nclass House {\n${["door", "wall", "roof"].map(method).join("\n\n")}\n}\n`;

  test("is cut before definitions, with what is said of them, and not at the blank lines inside", () => {
    const chunks = texts(source, { chunk_size: 150 });
    expect(chunks).toHaveLength(3);
    expect(chunks[1]).toMatch(/^\/\*\* Tells wall/);
    expect(chunks[2]).toMatch(/^\/\*\* Tells roof/);
  });

  test("of other languages is told from prose by its lines", () => {
    const python = `import os\n\n${["one", "two"].map((name) => `def ${name}(path):\n    # looks\n    found = os.listdir(path)\n\n    return found\n`).join("\n\n")}`;
    expect(texts(python, { chunk_size: 100 })[1]).toMatch(/^def two/);
  });
});

describe("prose", () => {
  const sentences = [
    "The tide was late that day.",
    "Nobody had told the men of it!",
    "So they sat.",
    "Was it long?",
    "It was not so, they said.",
  ];

  test("is cut after sentences, and shares whole ones", () => {
    expect(texts(sentences.join(" "))).toEqual([sentences.slice(0, 4).join(" "), "It was not so, they said."]);
    expect(texts(sentences.join(" "), { chunk_overlap: 32 })).toEqual([
      sentences.slice(0, 4).join(" "),
      "So they sat. Was it long? It was not so, they said.",
    ]);
  });

  test("is not cut after what a sentence goes on from", () => {
    const text = `${"word ".repeat(12)}e.g. the thirteenth ${"word ".repeat(20)}`;
    expect(texts(text)[0]!.length).toBeGreaterThan(90);
  });

  test("is cut between paragraphs before all else", () => {
    const [first, second] = [sentences.slice(0, 2).join(" "), sentences.slice(2).join(" ")];
    expect(texts(`${first}\n\n${second}`)).toEqual([first, second]);
  });

  test("has no headings", () => {
    expect(cut("# 1 of us\ngoes", { strategy: "prose" })).toMatchObject([{ text: "# 1 of us\ngoes", heading: null }]);
  });
});

test("a word is only cut if it is too long, and a character as it is read never", () => {
  const family = "👩‍👩‍👧‍👦";
  expect(texts(family.repeat(20)).map((text) => text.length / family.length)).toEqual([9, 9, 2]);
  const thai = texts("ไทยไม่มีช่องว่าง".repeat(10));
  expect(thai.slice(0, -1).every((text) => /(?:^|ไทย|ไม่|มี|ช่อง|ว่าง)$/.test(text) && text.length > 80)).toBe(true);
});

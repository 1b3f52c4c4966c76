import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { bomb, docx } from "../../support/files.ts";
import { expectSections, fixture, read } from "../../support/datasets.ts";

const word = (body: string) => `<w:document xmlns:w="x"><w:body>${body}</w:body></w:document>`;

describe("a Word document", () => {
  test("headings, lists and tables are parsed", async () => {
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

describe("the lists and letters of a Word document", () => {
  const level = (ilvl: number, format: string, text: string, start = 1) =>
    `<w:lvl w:ilvl="${ilvl}"><w:start w:val="${start}"/><w:numFmt w:val="${format}"/><w:lvlText w:val="${text}"/></w:lvl>`;
  const numbering = [
    '<w:numbering><w:abstractNum w:abstractNumId="7">',
    level(0, "decimal", "%1."),
    level(1, "lowerLetter", "%2)"),
    level(2, "decimal", "%1.%2.%3"),
    '</w:abstractNum><w:abstractNum w:abstractNumId="8">',
    level(0, "upperRoman", "%1.", 4),
    level(1, "bullet", "o"),
    '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>',
    '<w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num></w:numbering>',
  ].join("");
  const item = (text: string, list: number, ilvl: number, style = "") =>
    `<w:p><w:pPr>${style}<w:numPr><w:ilvl w:val="${ilvl}"/><w:numId w:val="${list}"/></w:numPr></w:pPr><w:r><w:t>${text}</w:t></w:r></w:p>`;
  const textOf = async (body: string) => {
    const bytes = zipSync({ "word/document.xml": Buffer.from(word(body)), "word/numbering.xml": Buffer.from(numbering) });
    return (await read(bytes, "docx")).rows.map((row) => row.text).join("");
  };

  test("numbered and nested lists keep their numbers and their depth", async () => {
    const body = [
      item("one", 1, 0),
      item("a of one", 1, 1),
      item("b of one", 1, 1),
      item("deep", 1, 2),
      item("two", 1, 0),
      item("a of two", 1, 1),
      item("four", 2, 0),
      item("mark", 2, 1),
      item("five", 2, 0),
      item("no list", 0, 0),
    ];
    expect(await textOf(body.join(""))).toBe(
      [
        "1. one",
        "  a) a of one",
        "  b) b of one",
        "    1.b.1 deep",
        "2. two",
        "  a) a of two",
        "IV. four",
        "  - mark",
        "V. five",
        "",
        "no list",
        "",
      ].join("\n"),
    );
  });

  test("a drop cap belongs to the word after it", async () => {
    const cap = '<w:p><w:pPr><w:framePr w:dropCap="drop" w:lines="3"/></w:pPr><w:r><w:t>O</w:t></w:r></w:p>';
    expect(await textOf(`${cap}<w:p><w:r><w:t>nce upon a time</w:t></w:r></w:p>`)).toBe("Once upon a time\n");
  });
});

describe("a damaged or hostile Word document", () => {
  test("a document that inflates to too much data is refused", async () => {
    await expect(read(docx(bomb(40)), "docx")).rejects.toThrow("decompresses to too much data");
  });

  test("a document that understates its size is refused", async () => {
    const bytes = Buffer.from(docx(bomb(40)));
    for (let at = bytes.indexOf("PK\x01\x02"); at >= 0; at = bytes.indexOf("PK\x01\x02", at + 1))
      bytes.writeUInt32LE(100, at + 24);
    bytes.writeUInt32LE(100, 22);
    await expect(read(bytes, "docx")).rejects.toThrow("decompresses to too much data");
  });

  test("entities cannot expand a document", async () => {
    const entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>';
    const { rows } = await read(docx(entities + word("<w:p><w:r><w:t>&b; &amp; more</w:t></w:r></w:p>")), "docx");
    expect(rows.map((row) => row.text)).toEqual(["&b; & more\n"]);
  });

  test.each([
    [
      "deleted text",
      "<w:p><w:r><w:t>a</w:t></w:r><w:del><w:r><w:t>no</w:t></w:r></w:del><w:ins><w:r><w:t>b</w:t></w:r></w:ins></w:p>",
      "ab\n",
    ],
    [
      "a box's second form",
      "<w:p><mc:AlternateContent><mc:Choice><w:t>a</w:t></mc:Choice><mc:Fallback><w:t>a</w:t></mc:Fallback></mc:AlternateContent></w:p>",
      "a\n",
    ],
    [
      "codes of fields",
      "<w:p><w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:t>7</w:t><w:tab/><w:t>x</w:t></w:r></w:p>",
      "7\tx\n",
    ],
  ])("a document is read without %s", async (_, body, text) => {
    expect((await read(docx(word(body)), "docx")).rows.map((row) => row.text)).toEqual([text]);
  });

  test.each([
    ["ends in the middle", docx("<w:document><w:body><w:p><w:r><w:t>a</w:t>"), "is incomplete"],
    ["is another archive", zipSync({ "a.txt": new Uint8Array(1) }), "not a Word document"],
    ["is not an archive", Buffer.from("PK\x03\x04 and no more"), "truncated"],
  ])("a document that %s is refused", async (_, bytes, reason) => {
    await expect(read(bytes, "docx")).rejects.toThrow(reason);
  });
});

describe("a Word document beyond a limit", () => {
  const paragraph = (text: string) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`;

  test.each([
    ["deep", "<w:tbl><w:tr><w:tc>".repeat(100_000), "is nested more than 256 levels deep. Flatten it first."],
    ["wide", `<w:tbl><w:tr>${"<w:tc/>".repeat(2_001)}</w:tr></w:tbl>`, "has more than 2,000 columns"],
    ["long", paragraph("x".repeat(1_048_577)), "has a paragraph of more than 1,048,576 characters"],
    [
      "long in a row",
      `<w:tbl><w:tr>${`<w:tc>${paragraph("x".repeat(600_000))}</w:tc>`.repeat(2)}</w:tr></w:tbl>`,
      "has a table row of more than 1,048,576 characters",
    ],
  ])("a Word document beyond a limit is refused: %s", async (_, body, reason) => {
    await expect(read(docx(word(body)), "docx")).rejects.toThrow(reason);
  });
});

import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ascii85, bomb, pdf } from "../../support/files.ts";
import { WorkMeter } from "../../../../src/kit/async/work-meter.ts";
import { expectSections, fixture, read } from "../../support/datasets.ts";
import { assertNotBomb } from "../../../../src/datasets/formats/pdf/bomb-guard.ts";

describe("a PDF", () => {
  test("pages are read with their paragraphs", async () => {
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
  const pages = (name: string) => read(readFileSync(`test/fixtures/pdf/${name}.pdf`), "pdf", "a.pdf");
  const first = "The bream is a large and stately fish, and loves ponds.\n\nThe tench is the physician of fishes.\n";

  test.each(["three-pages", "restricted"])("the pages of %s are read, and a scanned page is a problem", async (name) => {
    const { rows, problems } = await pages(name);
    expect(rows).toEqual([
      { kind: "text", text: first, fields: null, source: "a.pdf#p1", start: 0 },
      { kind: "text", text: "The last page.\n", fields: null, source: "a.pdf#p3", start: first.length },
    ]);
    expect(problems).toEqual([{ position: 2, code: "no_text", message: "has no text. The page may be an image" }]);
  });

  test("an encrypted PDF is refused because of its password", async () => {
    await expect(pages("locked")).rejects.toThrow("is a PDF with a password");
  });
});

describe("a damaged or hostile PDF", () => {
  const drawn = Buffer.from("BT /F 12 Tf 10 50 Td (Hello there) Tj ET");

  test.each([
    ["deflated", deflateSync(drawn), "/FlateDecode"],
    ["in ASCII 85", ascii85(deflateSync(drawn)), "[/ASCII85Decode/FlateDecode]"],
    ["deflated twice", deflateSync(deflateSync(drawn)), "[/FlateDecode/FlateDecode]"],
  ])("a stream that is %s is read", async (_, stream, filter) => {
    const { rows } = await read(pdf(stream, filter), "pdf", "a.pdf");
    expect(rows.map(({ text, source }) => [text, source])).toEqual([["Hello there\n", "a.pdf#p1"]]);
  });

  test.each([
    ["deflated", deflateSync(bomb(40)), "/FlateDecode"],
    ["in ASCII 85", ascii85(deflateSync(bomb(40))), "[/ASCII85Decode/FlateDecode]"],
    ["deflated twice", deflateSync(deflateSync(bomb(40))), "[/FlateDecode/FlateDecode]"],
    ["truncated", deflateSync(bomb(40)).subarray(0, 39_000), "/FlateDecode"],
  ])("a stream that is %s and inflates to too much data is refused", async (_, stream, filter) => {
    await expect(read(pdf(stream, filter), "pdf")).rejects.toThrow("decompresses to too much data");
  });

  test("a bomb is refused with a direct or an indirect length and any fake end of the stream", async () => {
    const stored = Buffer.concat([
      Buffer.from("7801000a00f5ff", "hex"),
      Buffer.from("endstream "),
      deflateSync(bomb(40)).subarray(2),
    ]);
    await expect(read(pdf(stored, "/FlateDecode"), "pdf")).rejects.toThrow("decompresses to too much data");
    const text = pdf(stored, "/FlateDecode").toString("latin1");
    const elsewhere = text
      .replace(`/Length ${stored.length}/`, "/Length 6 0 R/")
      .replace("trailer", `6 0 obj ${stored.length} endobj\ntrailer`);
    await expect(read(Buffer.from(elsewhere, "latin1"), "pdf")).rejects.toThrow("decompresses to too much data");
  });

  test("a PDF of ten thousand streams is accepted", async () => {
    const stream = Buffer.concat([
      Buffer.from("<</Length 8 0 R>>\nstream\n"),
      deflateSync(Buffer.alloc(1_000, 65)),
      Buffer.from("\nendstream\n"),
    ]);
    const bytes = Buffer.concat([
      Buffer.from("%PDF-1.4\n"),
      ...Array.from({ length: 10_000 }, () => stream),
      Buffer.alloc(8 * 2 ** 20, "x"),
    ]);
    await expect(assertNotBomb(bytes, new WorkMeter())).resolves.toBeUndefined();
  });

  test("a PDF with too many objects or streams is refused", async () => {
    const objects = Array.from({ length: 200_001 }, (_, i) => `${i} 0 obj\n<<>>\nendobj\n`).join("");
    for (const body of [objects, "stream ".repeat(200_001)])
      await expect(read(`%PDF-1.4\n${body}`, "pdf")).rejects.toThrow(
        "is a PDF with more than 200,000 objects. Split it into several files.",
      );
  });

  test("a page with too much text is one problem", async () => {
    const line = `1 0 0 1 10 50 Tm (${"many words ".repeat(1_000)}) Tj `;
    const { rows, problems } = await read(
      pdf(deflateSync(Buffer.from(`BT /F 0.001 Tf ${line.repeat(150)}ET`)), "/FlateDecode"),
      "pdf",
    );
    expect(rows).toEqual([]);
    expect(problems).toEqual([{ position: 1, code: "too_long", message: "has more than 1,048,576 characters" }]);
  });

  test("a PDF without text is refused, and distinguished from a damaged one", async () => {
    await expect(read(pdf(deflateSync(Buffer.from("0 0 9 9 re f")), "/FlateDecode"), "pdf")).rejects.toThrow(
      "run OCR on it first",
    );
    await expect(read("%PDF-1.4 and no more", "pdf")).rejects.toThrow("damaged or truncated");
  });
});

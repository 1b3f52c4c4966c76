import { deflateSync } from "node:zlib";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { refuseBombs } from "../../../src/datasets/formats/pdf/bomb-guard.ts";
import { UnreadableFile } from "../../../src/datasets/formats/types.ts";
import { ascii85, bomb, docx, pdf } from "../support/files.ts";
import { fixture, fixtures, read } from "../support/datasets.ts";

const word = (body: string) => `<w:document xmlns:w="x"><w:body>${body}</w:body></w:document>`;

describe("a Word document", () => {
  test("that inflates to too much is refused", async () => {
    await expect(read(docx(bomb(40)), "docx")).rejects.toThrow("inflates to too much");
  });

  test("says less of its size than it has, and is refused all the same", async () => {
    const bytes = Buffer.from(docx(bomb(40)));
    for (let at = bytes.indexOf("PK\x01\x02"); at >= 0; at = bytes.indexOf("PK\x01\x02", at + 1))
      bytes.writeUInt32LE(100, at + 24);
    bytes.writeUInt32LE(100, 22);
    await expect(read(bytes, "docx")).rejects.toThrow("inflates to too much");
  });

  test("cannot make much of little by entities", async () => {
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
  ])("is read without %s", async (_, body, text) => {
    expect((await read(docx(word(body)), "docx")).rows.map((row) => row.text)).toEqual([text]);
  });

  test.each([
    ["ends in the middle", docx("<w:document><w:body><w:p><w:r><w:t>a</w:t>"), "ends in the middle"],
    ["is another archive", zipSync({ "a.txt": new Uint8Array(1) }), "no Word document"],
    ["is no archive", Buffer.from("PK\x03\x04 and no more"), "cut off"],
  ])("that %s is refused", async (_, bytes, reason) => {
    await expect(read(bytes, "docx")).rejects.toThrow(reason);
  });
});

describe("a PDF", () => {
  const drawn = Buffer.from("BT /F 12 Tf 10 50 Td (Hello there) Tj ET");

  test.each([
    ["deflated", deflateSync(drawn), "/FlateDecode"],
    ["in ASCII 85", ascii85(deflateSync(drawn)), "[/ASCII85Decode/FlateDecode]"],
    ["deflated twice", deflateSync(deflateSync(drawn)), "[/FlateDecode/FlateDecode]"],
  ])("%s is read", async (_, stream, filter) => {
    const { rows } = await read(pdf(stream, filter), "pdf", "a.pdf");
    expect(rows.map(({ text, source }) => [text, source])).toEqual([["Hello there\n", "a.pdf#p1"]]);
  });

  test.each([
    ["deflated", deflateSync(bomb(40)), "/FlateDecode"],
    ["in ASCII 85", ascii85(deflateSync(bomb(40))), "[/ASCII85Decode/FlateDecode]"],
    ["deflated twice", deflateSync(deflateSync(bomb(40))), "[/FlateDecode/FlateDecode]"],
    ["cut off", deflateSync(bomb(40)).subarray(0, 39_000), "/FlateDecode"],
  ])("%s that inflates to too much is refused", async (_, stream, filter) => {
    await expect(read(pdf(stream, filter), "pdf")).rejects.toThrow("inflates to too much");
  });

  test("is refused, whether it says its length in place or elsewhere, and whatever the stream pretends to end with", async () => {
    const stored = Buffer.concat([
      Buffer.from("7801000a00f5ff", "hex"),
      Buffer.from("endstream "),
      deflateSync(bomb(40)).subarray(2),
    ]);
    await expect(read(pdf(stored, "/FlateDecode"), "pdf")).rejects.toThrow("inflates to too much");
    const text = pdf(stored, "/FlateDecode").toString("latin1");
    const elsewhere = text
      .replace(`/Length ${stored.length}/`, "/Length 6 0 R/")
      .replace("trailer", `6 0 obj ${stored.length} endobj\ntrailer`);
    await expect(read(Buffer.from(elsewhere, "latin1"), "pdf")).rejects.toThrow("inflates to too much");
  });

  test("of ten thousand streams is looked at in little time", async () => {
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
    const start = performance.now();
    await refuseBombs(bytes);
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  test("without text is refused, and told from one that is damaged", async () => {
    await expect(read(pdf(deflateSync(Buffer.from("0 0 9 9 re f")), "/FlateDecode"), "pdf")).rejects.toThrow(
      "Recognise its text",
    );
    await expect(read("%PDF-1.4 and no more", "pdf")).rejects.toThrow("damaged or cut off");
  });
});

/** What came of reading a file that may be refused: whether it was refused in words is told, anything else is thrown. */
async function tryRead(...[content, format, name]: Parameters<typeof read>) {
  try {
    return { ...(await read(content, format, name)), isRefused: false };
  } catch (error) {
    if (!(error instanceof UnreadableFile) || error.failure.code !== "validation_failed") throw error;
    return { rows: [], problems: [], isRefused: true };
  }
}

describe.each(fixtures)("%s", (name, format) => {
  test("cut off anywhere is refused in words, or gives what is still there", async () => {
    const bytes = fixture(name);
    const whole = await read(bytes, format, name);
    for (const part of [0.1, 0.5, 0.9, 0.999]) {
      const { rows, problems, isRefused } = await tryRead(bytes.subarray(0, Math.floor(bytes.length * part)), format, name);
      const same = rows.findIndex((row, index) => row.text !== whole.rows[index]?.text);
      const others = same < 0 ? 0 : rows.length - same;
      expect(others + problems.length, "what the last record became").toBeLessThanOrEqual(3);
      expect(isRefused || rows.length - others >= Math.floor((whole.rows.length - 1) * part * 0.6)).toBe(true);
    }
  });

  test("read as any other format, or with bytes that are wrong, ends in rows, problems or a refusal in words", async () => {
    for (const [, other] of fixtures) await expect(tryRead(fixture(name), other)).resolves.toBeDefined();
    for (let seed = 1; seed <= 8; seed++) {
      const bytes = Uint8Array.from(fixture(name));
      for (let flip = 1; flip <= 20; flip++) {
        const at = (Math.imul(seed * 97 + flip, 2_654_435_761) >>> 0) % bytes.length;
        bytes[at] = bytes[at]! ^ (flip * 11);
      }
      await expect(tryRead(bytes, format)).resolves.toBeDefined();
    }
  });
});

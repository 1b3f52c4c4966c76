import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { pdf, predefinedFont } from "../../support/files.ts";
import { read } from "../../support/datasets.ts";

const readPdf = (content: string, parts: Parameters<typeof pdf>[2]) =>
  read(pdf(deflateSync(Buffer.from(content)), "/FlateDecode", parts), "pdf", "a.pdf");

const draw = (hex: string) => `BT /F 12 Tf 10 50 Td <${hex}> Tj ET`;

describe("a PDF whose fonts are predefined", () => {
  test.each([
    ["UniGB-UCS2-H", "GB1", "4F60597D4E16754C", "\u4F60\u597D\u4E16\u754C"],
    ["GBK-EUC-H", "GB1", "C4E3BAC3CAC0BDE7", "\u4F60\u597D\u4E16\u754C"],
    ["ETen-B5-H", "CNS1", "A741A66EA540ACC9", "\u4F60\u597D\u4E16\u754C"],
    ["UniCNS-UTF16-H", "CNS1", "4F60597D", "\u4F60\u597D"],
    ["90ms-RKSJ-H", "Japan1", "93FA967B8CEA", "\u65E5\u672C\u8A9E"],
    ["EUC-H", "Japan1", "C6FCCBDCB8EC", "\u65E5\u672C\u8A9E"],
    ["UniJIS-UTF16-H", "Japan1", "65E5672C8A9E", "\u65E5\u672C\u8A9E"],
    ["KSCms-UHC-H", "Korea1", "C7D1B1B9BEEE", "\uD55C\uAD6D\uC5B4"],
    ["UniKS-UCS2-V", "Korea1", "D55CAD6DC5B4", "\uD55C\uAD6D\uC5B4"],
  ])("a PDF in %s of %s has its text", async (encoding, ordering, hex, expected) => {
    const { rows, problems } = await readPdf(draw(hex), predefinedFont(encoding, ordering));
    expect(problems).toEqual([]);
    expect(rows.map(({ text }) => text.replaceAll("\n", ""))).toEqual([expected]);
  });

  test("a PDF in an unknown CMap is refused because it has no text", async () => {
    const parts = predefinedFont("Fancy-Custom-H", "Japan1");
    await expect(readPdf(draw("93FA967B8CEA"), parts)).rejects.toThrow("without text");
  });
});

test("glyphs without characters are a problem of their page", async () => {
  const font = "<</Type/Font/Subtype/Type0/BaseFont/Some-Font/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 8 0 R>>";
  const cmap =
    "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000><FFFF> endcodespacerange 1 beginbfrange <0001><00FF><E001> endbfrange endcmap";
  const parts = predefinedFont("Identity-H", "Identity");
  const objects = [...parts.objects, `<</Length ${cmap.length}>>\nstream\n${cmap}\nendstream`];
  await expect(readPdf(draw("000100020003"), { font, objects })).rejects.toThrow("without text");
});

test("the fields of a form and the notes of a page follow its text", async () => {
  const objects = [
    "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/TU(Your name)/V(Ada Lovelace)/Rect[0 0 9 9]/P 3 0 R>>",
    "<</Type/Annot/Subtype/Widget/FT/Tx/T(empty)/Rect[0 0 9 9]/P 3 0 R>>",
    "<</Type/Annot/Subtype/Widget/FT/Ch/T(color)/V(red)/Opt[(red)(blue)]/Rect[0 0 9 9]/P 3 0 R>>",
    "<</Type/Annot/Subtype/Text/Contents(Check this.)/Rect[0 0 9 9]/P 3 0 R>>",
    "<</Type/Annot/Subtype/FreeText/Contents(Written beside)/DA(/F 9 Tf)/Rect[0 0 9 9]/P 3 0 R>>",
    "<</Type/Annot/Subtype/Text/F 2/Contents(Hidden)/Rect[0 0 9 9]/P 3 0 R>>",
  ];
  const annotations = "/Annots[6 0 R 7 0 R 8 0 R 9 0 R 10 0 R 11 0 R]";
  const form = { objects, page: annotations, catalog: "/AcroForm<</Fields[6 0 R 7 0 R 8 0 R]>>" };
  const { rows, problems } = await readPdf("BT /F 12 Tf 10 50 Td (Form) Tj ET", form);
  expect(problems).toEqual([]);
  expect(rows.map(({ text }) => text)).toEqual([
    "Form\n\nYour name: Ada Lovelace\ncolor: red\nNote: Check this.\nNote: Written beside\n",
  ]);
  const alone = await readPdf("0 0 9 9 re f", form);
  expect(alone.rows[0]!.text).toContain("Your name: Ada Lovelace");
});

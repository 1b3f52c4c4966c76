import { deflateSync } from "node:zlib";
import { strToU8, zipSync } from "fflate";

/** So many megabytes of blanks. */
export const bomb = (megabytes: number) => new Uint8Array(megabytes * 2 ** 20).fill(0x20);

/** A Word document whose text is this XML. */
export function docx(document: string | Uint8Array): Uint8Array {
  return zipSync({ "word/document.xml": typeof document === "string" ? strToU8(document) : document }, { level: 9 });
}

/** The parts of a PDF beside its page: its font, keys of its page and its catalog, and more objects, from number 6 on. */
type PdfParts = { font?: string; page?: string; catalog?: string; objects?: string[] };

/** A PDF whose one page is drawn by this stream. */
export function pdf(
  stream: Uint8Array,
  filter: string,
  { font, page = "", catalog = "", objects: more = [] }: PdfParts = {},
): Buffer {
  const objects = [
    `<</Type/Catalog/Pages 2 0 R${catalog}>>`,
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    `<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>${page}>>`,
    stream,
    font ?? "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ...more,
  ];
  const parts = [Buffer.from("%PDF-1.4\n")];
  for (const [index, each] of objects.entries()) {
    const content = typeof each === "string" ? each : `<</Length ${each.length}/Filter${filter}>>\nstream\n`;
    parts.push(Buffer.from(`${index + 1} 0 obj\n${content}`));
    if (typeof each !== "string") parts.push(Buffer.from(each), Buffer.from("\nendstream"));
    parts.push(Buffer.from("\nendobj\n"));
  }
  parts.push(Buffer.from(`trailer\n<</Root 1 0 R/Size ${objects.length + 1}>>\n%%EOF\n`));
  return Buffer.concat(parts);
}

export function ascii85(bytes: Uint8Array): Buffer {
  const padded = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  let text = "";
  for (let at = 0; at < padded.length; at += 4) {
    let group = padded.readUInt32BE(at);
    let digits = "";
    for (let digit = 0; digit < 5; digit++, group = Math.floor(group / 85))
      digits = String.fromCharCode(33 + (group % 85)) + digits;
    text += group === 0 && digits === "!!!!!" ? "z" : digits;
  }
  return Buffer.from(`${text}~>`);
}

/** A font that a PDF does not embed, of a character collection of Adobe. */
export const predefinedFont = (encoding: string, ordering: string) => ({
  font: `<</Type/Font/Subtype/Type0/BaseFont/Some-Font/Encoding/${encoding}/DescendantFonts[6 0 R]>>`,
  objects: [
    `<</Type/Font/Subtype/CIDFontType0/BaseFont/Some-Font/CIDSystemInfo<</Registry(Adobe)/Ordering(${ordering})/Supplement 2>>/FontDescriptor 7 0 R>>`,
    "<</Type/FontDescriptor/FontName/Some-Font/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 800/Descent -200/CapHeight 700/StemV 80>>",
  ],
});

/** A PDF with the word for Japanese in Shift JIS. */
export const japanesePdf = (): Buffer =>
  pdf(
    deflateSync(Buffer.from("BT /F 12 Tf 10 50 Td <93FA967B8CEA> Tj ET")),
    "/FlateDecode",
    predefinedFont("90ms-RKSJ-H", "Japan1"),
  );

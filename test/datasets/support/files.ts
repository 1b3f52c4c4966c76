import { strToU8, zipSync } from "fflate";

/** So many megabytes of blanks. */
export const bomb = (megabytes: number) => new Uint8Array(megabytes * 2 ** 20).fill(0x20);

/** A Word document whose text is this XML. */
export function docx(document: string | Uint8Array): Uint8Array {
  return zipSync({ "word/document.xml": typeof document === "string" ? strToU8(document) : document }, { level: 9 });
}

/** A PDF whose one page is drawn by this stream. */
export function pdf(stream: Uint8Array, filter: string): Buffer {
  const objects = [
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
    stream,
    "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
  ];
  const parts = [Buffer.from("%PDF-1.4\n")];
  for (const [index, each] of objects.entries()) {
    const content = typeof each === "string" ? each : `<</Length ${each.length}/Filter${filter}>>\nstream\n`;
    parts.push(Buffer.from(`${index + 1} 0 obj\n${content}`));
    if (typeof each !== "string") parts.push(Buffer.from(each), Buffer.from("\nendstream"));
    parts.push(Buffer.from("\nendobj\n"));
  }
  parts.push(Buffer.from("trailer\n<</Root 1 0 R/Size 6>>\n%%EOF\n"));
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

import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { DocxTextExtractor } from "./docx-text.ts";
import { sectionsOf } from "../text/parse-text.ts";
import { UnreadableFileError, type ByteSource, type Parsed, type FileFormat } from "../types.ts";
import { inflateEntry, zipEntries, zipSignature, type ZipEntry } from "./zip.ts";

/** Maximum decompressed size of each part. A thousand pages have 5 MB. */
const maxPartSize = 32 * 2 ** 20;

/** DOCX: a Word document. */
export const docxFormat = {
  name: "docx",
  label: "DOCX",
  inMemory: true,
  matchesBytes: async ({ hex, source }) =>
    hex.startsWith(zipSignature) && (await zipEntries(source)).some(({ name }) => isBody(name)),
  parse: parseDocx,
} as const satisfies FileFormat;

/**
 * Parses a Word document into sections: paragraphs, headings and lists as Markdown, one line per table row, and
 * footnotes at the end. It streams, so memory use does not depend on the size.
 */
async function* parseDocx(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  yield* sectionsOf(docxText(source, work), name, work);
}

async function* docxText(source: ByteSource, work: WorkMeter): AsyncGenerator<string> {
  const entries = await zipEntries(source);
  const body = entries.find((entry) => isBody(entry.name));
  if (body === undefined) throw new UnreadableFileError("is a ZIP archive, not a Word document.");
  const partOf = (part: string) => entries.find((entry) => entry.name === part);
  const writer = new DocxTextExtractor();
  for (const entry of [
    partOf("word/numbering.xml"),
    partOf("word/styles.xml"),
    body,
    partOf("word/footnotes.xml"),
    partOf("word/endnotes.xml"),
  ]) {
    if (entry !== undefined) yield* partText(source, entry, writer, work);
  }
}

/** Whether a file name in an archive is the body of a Word document. */
const isBody = (name: string): boolean => /^word\/document\d*\.xml$/.test(name);

/** The bytes that the parser gets at once, and the work on each: its decompression and that of the tags. */
const pieceSize = 16_384;
const unitsPerByte = 20;

async function* partText(
  source: ByteSource,
  entry: ZipEntry,
  writer: DocxTextExtractor,
  work: WorkMeter,
): AsyncGenerator<string> {
  const { Parser } = await import("htmlparser2");
  const parser = new Parser(writer, { xmlMode: true, decodeEntities: true });
  const decoder = new TextDecoder();
  for await (const bytes of inflateEntry(source, entry, maxPartSize)) {
    for (let at = 0; at < bytes.length; at += pieceSize) {
      const piece = bytes.subarray(at, at + pieceSize);
      parser.write(decoder.decode(piece, { stream: true }));
      const text = writer.take();
      if (text !== "") yield text;
      await work.spend(piece.length * unitsPerByte);
    }
  }
  parser.write(decoder.decode());
  if (writer.depth > 0) throw new UnreadableFileError(`is damaged: ${entry.name} is incomplete.`);
  parser.end();
}

import type { PDFDocumentProxy } from "unpdf/pdfjs";
import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { maxRecordLength } from "../../constants.ts";
import { tooLongMessage } from "../limits.ts";
import { toStorableText } from "../../../kit/db/text.ts";
import { annotationLines, type Annotation } from "./annotations.ts";
import { assertNotBomb } from "./bomb-guard.ts";
import { cmapFactory } from "./cmaps.ts";
import { isGarbled } from "./garbled-text.ts";
import { Sections } from "../text/sections.ts";
import { problem, UnreadableFileError, type ByteSource, type Parsed, type FileFormat } from "../types.ts";
import { zipSignature } from "../docx/zip.ts";

const maxPages = 5_000;

/** The work of a page, and of a piece of its text, which is a word or a letter. */
const unitsPerPage = 20_000;
const unitsPerItem = 500;

/** The work of looking at a character of a page. */
const unitsPerCharacter = 5;

/** PDF. */
export const pdfFormat = {
  name: "pdf",
  label: "PDF",
  inMemory: true,
  // A ZIP archive may hold a PDF.
  matchesBytes: ({ hex, head }) => !hex.startsWith(zipSignature) && Buffer.from(head.subarray(0, 1024)).includes("%PDF-"),
  parse: parsePdf,
} as const satisfies FileFormat;

/** Parses a PDF; each page is split into sections. Positions are pages. A page without text, for example a scan, is a problem. */
async function* parsePdf(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  const bytes = await readAll(source, work);
  await assertNotBomb(bytes, work);
  const missingCMaps = new Set<string>();
  const pdf = await openPdf(bytes, (cmap) => missingCMaps.add(cmap));
  try {
    if (pdf.numPages > maxPages) throw new UnreadableFileError(`has more than ${maxPages.toLocaleString("en")} pages.`);
    let start = 0;
    let hasText = false;
    for (let page = 1; page <= pdf.numPages; page++) {
      await work.spend(unitsPerPage);
      const content = await readPage(pdf, page, work);
      if (content === "too_long") {
        hasText = true;
        yield problem(page, "too_long", tooLongMessage);
      } else if (content === "damaged") yield problem(page, "invalid_record", "is a damaged page");
      else if (content === "too_large") yield problem(page, "invalid_record", tooLargeMessage);
      else if (content.text.trim() === "") yield problem(page, "no_text", "has no text. The page may be an image");
      else if (isGarbled(content.text)) yield problem(page, "no_text", garbledMessage);
      else {
        const sections = new Sections(`${name}#p${page}`, start);
        for (const line of content.text.split("\n")) yield* sections.add(line);
        yield* sections.end();
        start = sections.next;
        hasText = true;
      }
      for (const cmap of missingCMaps)
        yield problem(page, "left_out", `has text in a font with the unknown CMap ${toStorableText(cmap, 100)}`);
      missingCMaps.clear();
    }
    if (!hasText) throw new UnreadableFileError("is a PDF without text. Its pages may be images: run OCR on it first.");
  } finally {
    await pdf.loadingTask.destroy();
  }
}

const tooLargeMessage = "has a command or an object that is too large to read. Save the file as a new PDF";

/** Bytes that are copied at once, and the work of it. */
const copiedBytes = 2 ** 19;
const unitsPerCopy = 100_000;

/** The bytes of a file, in memory of their own: the library keeps them. */
async function readAll(source: ByteSource, work: WorkMeter): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(source.size);
  for (let at = 0; at < bytes.length; at += copiedBytes) {
    bytes.set(new Uint8Array(await source.read(at, Math.min(at + copiedBytes, bytes.length))), at);
    await work.spend(unitsPerCopy);
  }
  return bytes;
}

const garbledMessage = "has text in fonts that do not say which characters it has. Run OCR on the page";

async function openPdf(bytes: Uint8Array, onMissingCMap: (name: string) => void): Promise<PDFDocumentProxy> {
  const { getDocument } = await import("./pdfjs.mjs");
  try {
    return await getDocument({
      data: bytes,
      disableFontFace: true,
      useSystemFonts: false,
      useWorkerFetch: false,
      cMapUrl: "cmaps/",
      BinaryDataFactory: cmapFactory(onMissingCMap),
      verbosity: 0,
    }).promise;
  } catch (cause) {
    const isLocked = cause instanceof Error && cause.name === "PasswordException";
    throw new UnreadableFileError(
      isLocked ? "is a PDF with a password. Save it without one." : "is a damaged or truncated PDF.",
      { cause },
    );
  }
}

/** How the library names one of its limits. */
const limitMessage = "Limit exceeded";

type TextItem = { str: string; hasEOL: boolean; height: number; transform: number[] };

/** The text of a page: its lines, blank lines for wide gaps, and hyphenated words joined; and then its form fields and notes. */
async function readPage(
  pdf: PDFDocumentProxy,
  number: number,
  work: WorkMeter,
): Promise<{ text: string } | "too_long" | "too_large" | "damaged"> {
  try {
    const page = await pdf.getPage(number);
    const reader = (page.streamTextContent() as ReadableStream<{ items: object[] }>).getReader();
    const pieces: string[] = [];
    let length = 0;
    let before: TextItem | undefined;
    // The library reads on only when its text is read, so a page that is too long is left.
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (const item of value.items.filter((each): each is TextItem => "str" in each)) {
        if (item.str !== "") {
          if (before !== undefined && pieces.at(-1)?.endsWith("\n") && isFarBelow(item, before)) pieces.push("\n");
          before = item;
        }
        const piece = item.str + (item.hasEOL ? "\n" : "");
        if (piece !== "") pieces.push(piece);
        length += piece.length + 1;
      }
      // The library fails outside of the stream if it is canceled.
      if (length > maxRecordLength) return "too_long";
      await work.spend(value.items.length * unitsPerItem);
    }
    const lines = annotationLines((await page.getAnnotations()) as Annotation[]);
    await work.spend(lines.length * unitsPerItem);
    page.cleanup();
    const text = pieces.join("").replaceAll(/(\p{Ll})[-\u00AD]\n(?=\p{Ll})/gu, "$1");
    await work.spend(text.length * unitsPerCharacter);
    const notes = lines.join("\n");
    if (text.length + notes.length > maxRecordLength) return "too_long";
    return { text: notes === "" ? text : `${text.trim() === "" ? "" : `${text.trimEnd()}\n\n`}${notes}` };
  } catch (error) {
    return error instanceof Error && error.message.startsWith(limitMessage) ? "too_large" : "damaged";
  }
}

/** Whether a line starts a paragraph: it is more than one and a half lines below the previous one. */
function isFarBelow(item: TextItem, before: TextItem): boolean {
  const gap = (before.transform[5] ?? 0) - (item.transform[5] ?? 0);
  return gap > 1.7 * Math.max(before.height, item.height);
}

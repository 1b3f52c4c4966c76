import { Buffer } from "node:buffer";
import type { WorkMeter } from "../../kit/async/work-meter.ts";
import { AppError } from "../../kit/errors.ts";
import { detectFormat } from "../formats/detect-format.ts";
import { parseRows } from "../formats/parse-file.ts";
import type { Format } from "../formats/registry.ts";
import { memorySource, UnreadableFileError, type Parsed } from "../formats/types.ts";
import { PageError } from "./page-error.ts";
import { readHead, tagForbidsIndex } from "./page-head.ts";
import { robotName, type Page } from "./read-page.ts";

/** A row of a page, as it is stored: the line of a JSON Lines file. */
type PageRow = { source: string; title: string; start: number; text: string };

/** The text of a page as JSON Lines, its hash, and its title. */
export type PageText = { bytes: Uint8Array; hash: string; title: string };

/** Types of pages, and the name by which their format is detected. */
const namesOfTypes: Readonly<Record<string, string>> = {
  "text/html": "page.html",
  "application/xhtml+xml": "page.html",
  "text/plain": "page.txt",
  "text/markdown": "page.md",
  "text/x-markdown": "page.md",
  "application/pdf": "page.pdf",
  "application/octet-stream": "",
  "": "",
};

const readable: ReadonlySet<Format> = new Set(["html", "markdown", "text", "pdf"]);

/** The maximum number of rows of a page. */
const maxRowsOfPage = 1_000;

/**
 * Reads the text of a page: HTML (its article), Markdown, plain text or PDF. Pages that ask search engines not to use them are not read.
 * @throws PageError
 */
export async function readPageText(page: Page & { bytes: Uint8Array }, work: WorkMeter): Promise<PageText> {
  if (tagForbidsIndex(page.robotsTag, robotName)) throw noIndex();
  const bytes = toUtf8(page.bytes, page.charset);
  const format = await formatOf(page, bytes);
  const head = format === "html" ? await readHead(bytes, robotName) : { title: "", isNoIndex: false };
  if (head.isNoIndex) throw noIndex();
  const rows: PageRow[] = [];
  try {
    for await (const parsed of parseRows(memorySource(bytes), { format, name: page.url.href }, work, maxRowsOfPage)) {
      if ("problem" in parsed) continue;
      const { text, start } = parsed.row;
      rows.push({ source: page.url.href, title: head.title, start, text });
    }
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error;
    throw new PageError("unreadable", `The page ${error.message}`, { cause: error });
  }
  if (rows.length === 0) throw new PageError("no_text", "The page has no text. Pages that need JavaScript cannot be read.");
  const lines = new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const hash = Buffer.from(await crypto.subtle.digest("SHA-256", lines)).toString("hex");
  return { bytes: lines, hash, title: head.title };
}

const noIndex = () => new PageError("no_index", "The page asks search engines not to use it (noindex).");

/** A page whose host names another encoding than the page itself: the host is right (HTML, 13.2.3.2). */
function toUtf8(bytes: Uint8Array, charset: string | undefined): Uint8Array {
  if (charset === undefined || /^utf-?8$/i.test(charset)) return bytes;
  try {
    const text = new TextDecoder(charset).decode(bytes);
    return new TextEncoder().encode(`\ufeff${text.replace(/^\ufeff/, "")}`);
  } catch {
    return bytes;
  }
}

async function formatOf({ mediaType, url }: Page, bytes: Uint8Array): Promise<Format> {
  const name = Object.hasOwn(namesOfTypes, mediaType) ? namesOfTypes[mediaType]! : undefined;
  if (name === undefined) throw notText(`is ${mediaType.slice(0, 100)}`);
  if (bytes.length === 0) throw new PageError("no_text", "The page is empty.");
  const format = await detectFormat(memorySource(bytes), name === "" ? url.pathname : name).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error;
    const [fault] = error.issues;
    throw new PageError("unreadable", `The page ${fault?.message ?? "has no supported format."}`, { cause: error });
  });
  if (readable.has(format)) return format;
  // A text that looks like a table or like JSON is what its host calls it.
  if (name === "page.txt") return "text";
  if (name === "page.md") return "markdown";
  if (name === "page.html") return "text";
  throw notText(`is ${format}`);
}

const notText = (what: string) =>
  new PageError("unreadable", `The page ${what}. Pages can be HTML, Markdown, plain text or PDF.`);

/** The rows of stored pages, in order. */
export async function* rowsOfPages(files: AsyncIterable<string>): AsyncGenerator<Parsed> {
  for await (const file of files) {
    for (const line of file.split("\n")) {
      if (line === "") continue;
      const { source, title, start, text } = JSON.parse(line) as PageRow;
      yield { row: { kind: "text", text, fields: title === "" ? null : { title }, source, start } };
    }
  }
}

import { invalid } from "../../kit/errors.ts";
import type { Format } from "../constants.ts";
import { separatorOf } from "./csv/parse-csv.ts";
import { CsvScanner } from "./csv/csv-scanner.ts";
import { headText } from "./text/decode.ts";
import { isBody } from "./docx/parse-docx.ts";
import { type ByteSource, UnreadableFile } from "./types.ts";
import { zipEntries } from "./docx/zip.ts";

/** How much of a file is looked at. */
const headSize = 65_536;

/** What files that are not taken start with, in hexadecimal, and what is said of them. */
const foreign: [signature: RegExp, sentence: string][] = [
  [/^1f8b/, "is compressed with gzip: unpack it first."],
  [/^28b52ffd/, "is compressed with zstd: unpack it first."],
  [/^fd377a585a00|^425a68/, "is compressed: unpack it first."],
  [/^377abcaf271c|^526172211a07/, "is an archive: unpack it first."],
  [/^d0cf11e0a1b11ae1/, "is an old Office document: save it as .docx, or a table as .csv."],
  [/^7b5c72746631/, "is an RTF document: save it as .docx."],
  [/^89504e47|^ffd8ff|^47494638|^52494646|^49492a00|^4d4d002a/, "is an image, a sound or a film, and holds no text."],
  [/^53514c69746520666f726d6174/, "is an SQLite database: export its tables as .csv."],
  [/^4f626a01|^4f5243/, "is an Avro or ORC file: convert it to Parquet."],
  [/^50415245/, "is an encrypted Parquet file."],
  [/^7f454c46|^4d5a/, "is a program."],
];

/** What a file is by its content. Its name only decides between texts that could be either. @throws validation_failed, which says what was seen */
export async function detectFormat(source: ByteSource, name: string): Promise<Format> {
  if (source.size === 0) throw refused("is empty.");
  const head = new Uint8Array(await source.read(0, Math.min(headSize, source.size)));
  const hex = Buffer.from(head.subarray(0, 16)).toString("hex");
  const sentence = foreign.find(([signature]) => signature.test(hex))?.[1];
  if (sentence !== undefined) throw refused(sentence);
  if (hex.startsWith("50415231")) return parquetOf(source);
  if (hex.startsWith("504b0304")) return zipOf(source);
  if (hex.startsWith("504b0506")) throw refused("is an empty ZIP archive.");
  if (Buffer.from(head.subarray(0, 1024)).includes("%PDF-")) return "pdf";
  return textOf(await startOf(source, head), extensionOf(name));
}

function refused(sentence: string) {
  return invalid([{ path: "file", in: "body", message: sentence }]);
}

async function parquetOf(source: ByteSource): Promise<Format> {
  const end = Buffer.from(await source.read(Math.max(4, source.size - 4), source.size)).toString("latin1");
  if (end !== "PAR1") throw refused("is a Parquet file that is cut off: its end is missing.");
  return "parquet";
}

/** What else is a ZIP archive, by a file in it. */
const archives: [file: RegExp, sentence: string][] = [
  [/^xl\//, "is an Excel workbook: save its sheet as .csv."],
  [/^ppt\//, "is a PowerPoint presentation: save it as .pdf."],
  [/^META-INF\/container\.xml$/, "is an EPUB book: convert it to .html or .txt."],
  [/^content\.xml$/, "is an OpenDocument file: save it as .docx, or a table as .csv."],
];

async function zipOf(source: ByteSource): Promise<Format> {
  const names = await fileNames(source);
  if (names.some(isBody)) return "docx";
  const sentence = archives.find(([file]) => names.some((each) => file.test(each)))?.[1];
  throw refused(sentence ?? "is a ZIP archive: unpack it first.");
}

async function fileNames(source: ByteSource): Promise<string[]> {
  try {
    return (await zipEntries(source)).map((entry) => entry.name);
  } catch (error) {
    throw error instanceof UnreadableFile ? error.failure : error;
  }
}

const extensionOf = (name: string): string => /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";

/** The text that a file starts with, if it is one. */
async function startOf(source: ByteSource, head: Uint8Array): Promise<string> {
  const isMarked = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  const nuls = head.filter((byte) => byte === 0).length;
  if (!isMarked && nuls > head.length / 10) {
    const isWide = nuls > head.length / 4 && nuls <= head.length / 2 + 1;
    throw refused(
      isWide ? "seems to be UTF-16 without a byte order mark: save it as UTF-8." : "is no text, and of no known format.",
    );
  }
  const text = await headText(source);
  // oxlint-disable-next-line no-control-regex -- it is what is looked for
  const controls = text.match(/[\u0000-\u0008\u000E-\u001A\u001C-\u001F]/g)?.length ?? 0;
  if (controls > text.length / 10) throw refused("is no text, and of no known format.");
  return text;
}

function textOf(text: string, extension: string): Format {
  const start = text.trimStart();
  if (start === "") throw refused("has nothing but white space.");
  const json = jsonOf(start, extension);
  if (json !== undefined) return json;
  if (/^(?:<!doctype html|<html|<head|<body)\b/i.test(withoutComments(start))) return "html";
  if (/^<\?xml\b/.test(start)) {
    if (/<html\b/i.test(start)) return "html";
    throw refused("is XML: convert it to JSON, CSV or HTML.");
  }
  return byExtension(start, extension) ?? (tableOf(start) || (/^(?:#{1,6} \S|```)/m.test(start) ? "markdown" : "text"));
}

const withoutComments = (text: string): string =>
  text.replace(/^(?:<\?xml[^>]*\?>|<!--(?:[^-]|-(?!->))*-->|\s)+(?=<(?!\?xml))/i, "");

/** Whether it is JSON, or JSON Lines: then a line is a value of its own. */
function jsonOf(text: string, extension: string): Format | undefined {
  const isNamed = ["json", "jsonl", "ndjson"].includes(extension);
  const isJson = isNamed ? /^[[{]/ : /^(?:\{\s*(?:"|\}|$)|\[\s*(?:["[{\]]|-?\d|true\b|false\b|null\b|$))/;
  if (!isJson.test(text))
    return /^"(?:[^"\\]|\\.)*"\s*(?:\n|$)/.test(text) && extension.endsWith("l") && isNamed ? "jsonl" : undefined;
  const [first = "", second = ""] = text.split(/\r\n|\r|\n/, 2);
  const isValue = isWholeJson(first);
  if (second.trim() !== "")
    return isValue || (text.startsWith("{") && /^\s*\{/.test(second) && extension !== "json") ? "jsonl" : "json";
  return text.startsWith("{") && isNamed && extension !== "json" ? "jsonl" : "json";
}

function isWholeJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What a text is by its name, where that is possible; a table under the name of a text is a table. */
function byExtension(text: string, extension: string): Format | undefined {
  if (["md", "markdown", "mdx"].includes(extension)) return "markdown";
  if (["html", "htm", "xhtml"].includes(extension)) return /<[a-z][^>]*>/i.test(text) ? "html" : "text";
  if (extension === "csv") return tableOf(text) === "tsv" ? "tsv" : "csv";
  if (extension === "tsv" || extension === "tab") return tableOf(text) === "csv" ? "csv" : "tsv";
  if (["txt", "text", "log", "rst"].includes(extension)) return tableOf(text) ?? "text";
  return undefined;
}

/** Whether a text is a table: at least three lines, as many cells in each, and names of columns in the first. */
function tableOf(text: string): Format | undefined {
  for (const format of ["tsv", "csv"] as const) {
    const separator = format === "tsv" ? "\t" : separatorOf(text);
    const records = separator === "|" ? [] : [...new CsvScanner(separator, headSize).push(text)].slice(0, 50);
    const [names] = records;
    if (records.length < 2 || names === undefined || names.cells.length < 2) continue;
    const areNames =
      names.cells.every((cell) => /^[\p{L}_][\p{L}\p{N}_ .-]{0,40}(?<!\.)$/u.test(cell)) &&
      new Set(names.cells).size === names.cells.length;
    const areEven = records.every(({ cells, fault }) => fault === undefined && cells.length === names.cells.length);
    if (areNames && areEven) return format;
  }
  return undefined;
}

import { WorkMeter } from "../../kit/async/work-meter.ts";
import { validationError } from "../../kit/errors.ts";
import { fileFormats, type Format } from "./registry.ts";
import { jsonExtensions } from "./json/detect-json.ts";
import { headSize, headText } from "./text/decode.ts";
import { UnreadableFileError, certainty, type ByteSource, type Certainty, type FileStart } from "./types.ts";
import { zipEntries, zipSignature } from "./docx/zip.ts";

/** The work of looking for the marks of a format, for each character of the head. */
const unitsPerCharacter = 2;

/** Signatures of unsupported files, in hexadecimal, and their error messages. */
const foreign: [signature: RegExp, sentence: string][] = [
  [/^1f8b/, "is compressed with gzip. Decompress it first."],
  [/^28b52ffd/, "is compressed with zstd. Decompress it first."],
  [/^fd377a585a00|^425a68/, "is compressed. Decompress it first."],
  [/^377abcaf271c|^526172211a07/, "is an archive. Unpack it first."],
  [/^d0cf11e0a1b11ae1/, "is an old Office document: save it as .docx, or a table as .csv."],
  [/^7b5c72746631/, "is an RTF document: save it as .docx."],
  [/^89504e47|^ffd8ff|^47494638|^52494646|^49492a00|^4d4d002a/, "is an image, audio or video file without text."],
  [/^53514c69746520666f726d6174/, "is an SQLite database: export its tables as .csv."],
  [/^4f626a01|^4f5243/, "is an Avro or ORC file: convert it to Parquet."],
  [/^50415245/, "is an encrypted Parquet file. Write it without encryption."],
  [/^7f454c46|^4d5a/, "is a program, not a dataset."],
  [/^504b0506/, "is an empty ZIP archive."],
];

/** A small file that Git has in the place of a large one. */
const gitLfsPointer = "version https://git-lfs.github.com/spec/";
const gitLfsSentence = "is a Git LFS pointer, not the file itself. Run git lfs pull, and upload the file that it points to.";

/** Detects the format by content. The name only decides between ambiguous texts. @throws validation_failed for an unsupported file */
export async function detectFormat(source: ByteSource, name: string, work = new WorkMeter()): Promise<Format> {
  if (source.size === 0) throw refused("is empty.");
  const head = new Uint8Array(await source.read(0, Math.min(headSize, source.size)));
  const hex = Buffer.from(head.subarray(0, 16)).toString("hex");
  const sentence = foreign.find(([signature]) => signature.test(hex))?.[1];
  if (sentence !== undefined) throw refused(sentence);
  try {
    return (
      (await formatOfBytes({ source, head, hex })) ??
      (await formatOfText(await startOf(source, head, work), extensionOf(name), work))
    );
  } catch (error) {
    throw error instanceof UnreadableFileError ? error.failure : error;
  }
}

async function formatOfBytes(start: FileStart): Promise<Format | undefined> {
  for (const { name, matchesBytes } of fileFormats) {
    if ((await matchesBytes?.(start)) === true) return name;
  }
  if (start.hex.startsWith(zipSignature)) throw refused(await sentenceOfArchive(start.source));
  return undefined;
}

function refused(sentence: string) {
  return validationError([{ path: "file", in: "body", message: sentence }]);
}

/** Unsupported ZIP formats, recognized by a file in the archive. */
const archives: [file: RegExp, sentence: string][] = [
  [/^xl\//, "is an Excel workbook: save its sheet as .csv."],
  [/^ppt\//, "is a PowerPoint presentation: save it as .pdf."],
  [/^META-INF\/container\.xml$/, "is an EPUB book: convert it to .html or .txt."],
  [/^content\.xml$/, "is an OpenDocument file: save it as .docx, or a table as .csv."],
];

async function sentenceOfArchive(source: ByteSource): Promise<string> {
  const names = (await zipEntries(source)).map((entry) => entry.name);
  const sentence = archives.find(([file]) => names.some((each) => file.test(each)))?.[1];
  return sentence ?? "is a ZIP archive. Unpack it first.";
}

const extensionOf = (name: string): string => /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";

/** The start of a text file. */
async function startOf(source: ByteSource, head: Uint8Array, work: WorkMeter): Promise<string> {
  const isMarked = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  const nuls = head.filter((byte) => byte === 0).length;
  if (!isMarked && nuls > head.length / 10) {
    const isWide = nuls > head.length / 4 && nuls <= head.length / 2 + 1;
    throw refused(
      isWide ? "may be UTF-16 without a byte order mark. Save it as UTF-8." : "is not text and has no supported format.",
    );
  }
  const text = await headText(source, work);
  // oxlint-disable-next-line no-control-regex -- it is what is looked for
  const controls = text.match(/[\u0000-\u0008\u000E-\u001A\u001C-\u001F]/g)?.length ?? 0;
  if (controls > text.length / 10) throw refused("is not text and has no supported format.");
  return text;
}

async function formatOfText(text: string, extension: string, work: WorkMeter): Promise<Format> {
  const start = text.trimStart();
  if (start === "") throw refused("contains only white space.");
  if (start.startsWith(gitLfsPointer)) throw refused(gitLfsSentence);
  let surest: { name: Format; sureness: Certainty } = { name: "text", sureness: certainty.impossible };
  for (const { name, matchesText } of fileFormats) {
    if (matchesText === undefined) continue;
    await work.spend(start.length * unitsPerCharacter);
    const sureness = matchesText(start, extension);
    if (sureness > surest.sureness) surest = { name, sureness };
  }
  if (surest.sureness < certainty.certain && /^<\?xml\b/.test(start)) throw refused("is XML: convert it to JSON, CSV or HTML.");
  const isJson = surest.name === "json" || surest.name === "jsonl";
  if (jsonExtensions.includes(extension) && !isJson)
    throw refused(`is named .${extension}, but has no JSON array or object. Fix it, or give it the extension of its format.`);
  return surest.name;
}

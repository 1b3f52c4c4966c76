import { parseDocx } from "./docx/parse-docx.ts";
import { parseHtml } from "./text/parse-html.ts";
import { parseParquet } from "./parquet/parse-parquet.ts";
import { parsePdf } from "./pdf/parse-pdf.ts";
import { parseSeparated } from "./csv/parse-csv.ts";
import { parseJson } from "./json/parse-json.ts";
import { parseJsonLines } from "./json/parse-jsonl.ts";
import { parseProse } from "./text/parse-text.ts";
import type { Format } from "../constants.ts";
import type { ByteSource, FileToParse, Parsed } from "./types.ts";

export { detectFormat } from "./detect-format.ts";
export {
  type ByteSource,
  type FileToParse,
  memorySource,
  type Parsed,
  type ParsedRow,
  type RowProblem,
  UnreadableFile,
} from "./types.ts";

type Parse = (source: ByteSource, name: string) => AsyncGenerator<Parsed>;

const parsers: Record<Format, Parse> = {
  json: parseJson,
  jsonl: parseJsonLines,
  csv: (source, name) => parseSeparated(source, name, "csv"),
  tsv: (source, name) => parseSeparated(source, name, "tsv"),
  parquet: parseParquet,
  markdown: parseProse,
  text: parseProse,
  html: parseHtml,
  pdf: parsePdf,
  docx: parseDocx,
};

/**
 * What a file holds, row by row, with what was wrong between them. The same bytes give the same sequence, so that reading goes on
 * where it stopped by reading again and passing over what was there.
 *
 * @throws UnreadableFile, at once or in the middle: then the file is no such file, is cut off, or inflates to too much
 */
export function parseRows(source: ByteSource, { format, name }: FileToParse): AsyncGenerator<Parsed> {
  return parsers[format](source, name);
}

import { csvFormat, tsvFormat } from "./csv/parse-csv.ts";
import { docxFormat } from "./docx/parse-docx.ts";
import { jsonFormat } from "./json/parse-json.ts";
import { jsonlFormat } from "./json/parse-jsonl.ts";
import { parquetFormat } from "./parquet/parse-parquet.ts";
import { pdfFormat } from "./pdf/parse-pdf.ts";
import { htmlFormat } from "./text/parse-html.ts";
import { markdownFormat, textFormat } from "./text/parse-text.ts";
import type { FileFormat } from "./types.ts";

const list = [
  jsonFormat,
  jsonlFormat,
  csvFormat,
  tsvFormat,
  parquetFormat,
  markdownFormat,
  textFormat,
  htmlFormat,
  pdfFormat,
  docxFormat,
] as const;

/** The name of a format. */
export type Format = (typeof list)[number]["name"];

/** Every format of dataset files. Names, detection, parsers and the API's documents follow from this list. */
export const fileFormats: readonly FileFormat<Format>[] = list;

export const formatNames: readonly Format[] = fileFormats.map(({ name }) => name);

/** The format of a name. */
export function fileFormat(name: Format): FileFormat<Format> {
  return fileFormats.find((format) => format.name === name)!;
}

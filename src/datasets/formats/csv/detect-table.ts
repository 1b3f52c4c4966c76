import { maxColumns } from "../../constants.ts";
import { headSize } from "../text/decode.ts";
import { CsvScanner, type CsvRecord } from "./csv-scanner.ts";

/** Records by which a table is detected. */
const detectedRecords = 50;

/** Detects the separator of a CSV by its header. */
export function separatorOf(text: string): string {
  const header = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text.trimStart())?.[0] ?? "";
  const bare = header.replaceAll(/"(?:[^"]|"")*"/g, "");
  const counts = [",", ";", "|"].map((separator) => bare.split(separator).length);
  return [",", ";", "|"][counts.indexOf(Math.max(...counts))]!;
}

/** Detects a table: at least three lines with equally many cells, and column names in the first. */
export function tableOf(text: string): "csv" | "tsv" | undefined {
  for (const format of ["tsv", "csv"] as const) {
    const separator = format === "tsv" ? "\t" : separatorOf(text);
    const records = separator === "|" ? [] : firstRecords(text, separator);
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

function firstRecords(text: string, separator: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  for (const record of new CsvScanner(separator, { maxLength: headSize, maxCells: maxColumns }).push(text)) {
    records.push(record);
    if (records.length === detectedRecords) break;
  }
  return records;
}

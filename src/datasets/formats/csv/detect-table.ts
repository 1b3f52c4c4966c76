import { maxColumns } from "../../constants.ts";
import { headSize } from "../text/decode.ts";
import { CsvScanner, type CsvRecord } from "./csv-scanner.ts";

/** Records by which a table is detected. */
const detectedRecords = 50;

/** The separator that Excel declares in a first line such as `sep=;`. */
export const declaredSeparator = (text: string): string | undefined =>
  /^\s*"?sep=([^\r\n"])"?[ ]*(?:[\r\n]|$)/i.exec(text)?.[1];

/** The separator of a CSV: the declared one, or by its header. */
export function separatorOf(text: string): string {
  const declared = declaredSeparator(text);
  if (declared !== undefined) return declared;
  const header = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text.trimStart())?.[0] ?? "";
  const bare = header.replaceAll(/"(?:[^"]|"")*"/g, "");
  const counts = [",", ";", "|"].map((separator) => bare.split(separator).length);
  return [",", ";", "|"][counts.indexOf(Math.max(...counts))]!;
}

/** Detects a table: at least three lines with equally many cells, and column names in the first. */
export function tableOf(text: string): "csv" | "tsv" | undefined {
  const declared = declaredSeparator(text);
  if (declared !== undefined) return declared === "\t" ? "tsv" : "csv";
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

/** Cells of data, not of names: a number, a date, an address, a truth value, a sentence. */
const isData =
  /^\s*(?:[-+]?\d[\d.,]*%?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ][\d:.Z+-]+)?|https?:\/\/\S+|[^\s@]+@[^\s@]+\.\w+|true|false|\S+\s+\S+\s[^]*[.!…]["'”]?)\s*$/i;
const maxNameLength = 200;

/** Whether the first record of a table has the names of its columns. Years, and numbers that count the columns, are names. */
export function isHeader(cells: readonly string[]): boolean {
  if (cells.every((cell, index) => Number(cell) === index || (index === 0 && cell === ""))) return true;
  const years = cells.filter((cell) => /^\s*(?:19|20)\d\d\s*$/.test(cell));
  const areYears = years.length > 1 && new Set(years).size === years.length;
  return !cells.some((cell) => cell.length > maxNameLength || (isData.test(cell) && !(areYears && years.includes(cell))));
}

function firstRecords(text: string, separator: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  for (const record of new CsvScanner(separator, { maxLength: headSize, maxCells: maxColumns }).push(text)) {
    records.push(record);
    if (records.length === detectedRecords) break;
  }
  return records;
}

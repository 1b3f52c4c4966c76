import { CsvScanner } from "./csv-scanner.ts";

/** Maximum length of a record during detection. */
const maxHeadLength = 65_536;

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
    const records = separator === "|" ? [] : [...new CsvScanner(separator, maxHeadLength).push(text)].slice(0, 50);
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

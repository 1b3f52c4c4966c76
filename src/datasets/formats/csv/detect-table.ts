import { CsvScanner } from "./csv-scanner.ts";

/** The longest record that is looked at. */
const maxHeadLength = 65_536;

/** What separates the cells of a CSV that starts like this. */
export function separatorOf(text: string): string {
  const header = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text.trimStart())?.[0] ?? "";
  const bare = header.replaceAll(/"(?:[^"]|"")*"/g, "");
  const counts = [",", ";", "|"].map((separator) => bare.split(separator).length);
  return [",", ";", "|"][counts.indexOf(Math.max(...counts))]!;
}

/** Whether a text is a table: at least three lines, as many cells in each, and names of columns in the first. */
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

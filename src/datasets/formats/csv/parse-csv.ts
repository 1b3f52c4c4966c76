import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { maxColumns, maxRecordLength } from "../../constants.ts";
import { assertColumns, tooManyColumnsMessage } from "../limits.ts";
import { CsvScanner, type CsvRecord } from "./csv-scanner.ts";
import { decodeText, headText } from "../text/decode.ts";
import { tooLong } from "../json/json-record.ts";
import { rowsOf } from "../records/records.ts";
import {
  problem,
  UnreadableFileError,
  certainty,
  type ByteSource,
  type Parsed,
  type Certainty,
  type FileFormat,
} from "../types.ts";
import { declaredSeparator, isHeader, separatorOf, tableOf } from "./detect-table.ts";

/** The work on a cell beside that of its characters. */
const unitsPerCell = 100;

/** The work of joining a character of an incomplete record with the next chunk. */
const unitsPerJoined = 0.25;

/** CSV, separated by commas, semicolons or bars. */
export const csvFormat = {
  name: "csv",
  label: "CSV",
  matchesText: (text, extension) => matchesTable(text, extension, "csv"),
  parse: (source, name, work) => parseSeparated(source, name, work, "csv"),
} as const satisfies FileFormat;

/** TSV: the same, separated by tabs. */
export const tsvFormat = {
  name: "tsv",
  label: "TSV",
  matchesText: (text, extension) => matchesTable(text, extension, "tsv"),
  parse: (source, name, work) => parseSeparated(source, name, work, "tsv"),
} as const satisfies FileFormat;

/** A file with a table extension is a table. Its content decides between CSV and TSV. */
function matchesTable(text: string, extension: string, format: "csv" | "tsv"): Certainty {
  const byName = extension === "csv" ? "csv" : extension === "tsv" || extension === "tab" ? "tsv" : undefined;
  const byContent = tableOf(text);
  if (byName !== undefined) return (byContent ?? byName) === format ? certainty.named : certainty.impossible;
  return byContent === format ? certainty.likely : certainty.impossible;
}

/**
 * Parses CSV or TSV. The first record is the header, unless it has data; positions count the records of data. Cells are text: a formula
 * is never evaluated. CSV is separated by commas, or by semicolons or bars if the first line has more of those.
 */
async function* parseSeparated(
  source: ByteSource,
  name: string,
  work: WorkMeter,
  format: "csv" | "tsv",
): AsyncGenerator<Parsed> {
  const records = recordsOf(source, work, format);
  let columns: string[] | undefined;
  let position = 0;
  for await (const record of records) {
    const hasNames = columns === undefined && (record.fault !== undefined || isHeader(record.cells));
    if (columns === undefined) columns = columnsOf(hasNames ? record : { ...record, cells: record.cells.map(() => "") });
    if (!hasNames) yield* parseRecord(record, columns, ++position, name);
    await work.spend(record.cells.length * unitsPerCell);
  }
}

async function* recordsOf(source: ByteSource, work: WorkMeter, format: "csv" | "tsv"): AsyncGenerator<CsvRecord> {
  const head = await headText(source, work);
  const declared = declaredSeparator(head);
  const separator = declared ?? (format === "tsv" ? "\t" : separatorOf(head));
  let isDeclaration = declared !== undefined;
  const scanner = new CsvScanner(separator, { maxLength: maxRecordLength, maxCells: maxColumns });
  for await (const chunk of decodeText(source, work)) {
    await work.spend(scanner.pending * unitsPerJoined);
    for (const record of scanner.push(chunk)) {
      if (!isDeclaration) yield record;
      isDeclaration = false;
    }
  }
  yield* scanner.end();
}

/** The column names. An empty name becomes `column_N`; a duplicate gets a numeric suffix. */
function columnsOf(record: CsvRecord): string[] {
  if (record.fault === "too_wide") assertColumns(Infinity);
  if (record.fault !== undefined) throw new UnreadableFileError("has no header line with column names.");
  if (!record.cells.join("").isWellFormed()) throw new UnreadableFileError("has column names that are not valid UTF-8.");
  const columns = new Set<string>();
  const numbers = new Map<string, number>();
  for (const [index, cell] of record.cells.entries()) {
    const column = cell.trim() || `column_${index + 1}`;
    let unique = column;
    while (columns.has(unique)) {
      const number = (numbers.get(column) ?? 1) + 1;
      numbers.set(column, number);
      unique = `${column}_${number}`;
    }
    columns.add(unique);
  }
  return [...columns];
}

function* parseRecord(record: CsvRecord, columns: readonly string[], position: number, name: string): Generator<Parsed> {
  const at = `line ${record.line}: `;
  if (record.fault === "too_long") yield tooLong(position);
  else if (record.fault === "too_wide") yield problem(position, "ragged", `${at}${tooManyColumnsMessage}`);
  else if (record.fault === "quote_not_closed") {
    yield problem(position, "quote_not_closed", `${at}has a quote that is never closed`);
  } else {
    const { cells } = record;
    const extra = cells.slice(columns.length).some((cell) => cell.trim() !== "");
    if (cells.length < columns.length || extra) {
      yield problem(position, "ragged", `${at}has ${cells.length} cells, but the header has ${columns.length}`);
    } else if (!cells.every((cell) => cell.isWellFormed())) {
      yield problem(position, "invalid_encoding", `${at}is not valid UTF-8`);
    } else {
      const entries = columns.map((column, index) => [column, cells[index]!] as const);
      for (const row of rowsOf(Object.fromEntries(entries), `${name}#${position}`)) yield { row };
      if (record.isOddlyQuoted === true)
        yield problem(
          position,
          "left_out",
          `${at}has text after a closing quote, which was read without the quotes. Double the quotes inside of a cell`,
        );
    }
  }
}

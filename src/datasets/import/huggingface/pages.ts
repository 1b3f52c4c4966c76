import { toStorableText } from "../../../kit/db/text.ts";
import { groupsOf, invalidEncoding, toPlainRecord } from "../../formats/parquet/parse-parquet.ts";
import type { RowProblem } from "../../formats/types.ts";
import { rangedSource } from "./ranged-file.ts";
import { fetchRows, HfRejectedError, listParquet, pageRows, type HfClient } from "./client.ts";
import type { HfImport, HfSource } from "../../tables.ts";

/** Rows of a Hugging Face dataset, in order, as JSON Lines. An incomplete row is an empty line and a problem. */
export type HubPage = { lines: readonly string[]; problems: readonly RowProblem[]; partial: boolean };

/** Limits of a page from a Parquet file. */
const parquetPageRows = 1_000;
const parquetPageLength = 4_000_000;

/** With more files than this, fetching page by page is faster. */
const maxParquetFiles = 20;

/** The dataset server truncated cells. Its Parquet files may have the whole values. */
export class TruncatedCellsError extends HfRejectedError {
  override readonly name = "CellsCut";
}

/** Readers of the missing rows, page by page. They throw HfRejectedError, UnreadableFileError and retryable errors. */
export const pageReaders: Record<HfSource, (hub: HfClient, at: HfImport, offset: number) => AsyncGenerator<HubPage>> = {
  rows: pagesOfRows,
  parquet: pagesOfParquet,
};

async function* pagesOfRows(hub: HfClient, at: HfImport, offset: number): AsyncGenerator<HubPage> {
  const mayBeElsewhere = at.ways !== undefined && at.ways.length > 1;
  for (let next = offset; next < at.limit;) {
    const length = Math.min(pageRows, at.limit - next);
    const { rows, total, partial } = await fetchRows(hub, at, next, length);
    const lines: string[] = [];
    const problems: RowProblem[] = [];
    for (const { row, truncated_cells: cut } of rows) {
      lines.push(cut.length === 0 ? JSON.stringify(row) : "");
      const message = `has cells that the dataset server truncates: ${toStorableText(cut.join(", "), 200)}`;
      if (cut.length > 0) problems.push({ position: next + lines.length, code: "cut_short", message });
    }
    if (problems.length > 0 && mayBeElsewhere)
      throw new TruncatedCellsError("The dataset server truncates cells of this dataset.");
    yield { lines, problems, partial };
    next += rows.length;
    if (rows.length < length || next === total) return;
  }
}

/** Reads the row groups that contain the missing rows. */
async function* pagesOfParquet(hub: HfClient, at: HfImport, offset: number): AsyncGenerator<HubPage> {
  const { files, partial } = await listParquet(hub, at);
  if (files.length === 0) throw new HfRejectedError("The dataset server has no Parquet files for this dataset.");
  let rowsSeen = 0;
  for (const [number, file] of files.entries()) {
    if (number === maxParquetFiles) throw new HfRejectedError(`The dataset has more than ${maxParquetFiles} Parquet files.`);
    for await (const group of groupsOf(rangedSource(hub, file))) {
      const first = rowsSeen;
      rowsSeen += group.rows;
      if (rowsSeen <= offset) continue;
      const records = (await group.read()).slice(Math.max(0, offset - first), at.limit - first);
      for (const page of pagesOfRecords(records, Math.max(first, offset))) yield { ...page, partial };
      if (rowsSeen >= at.limit) return;
    }
  }
}

function* pagesOfRecords(records: readonly Record<string, unknown>[], offset: number): Generator<Omit<HubPage, "partial">> {
  let lines: string[] = [];
  let problems: RowProblem[] = [];
  let length = 0;
  for (const [i, record] of records.entries()) {
    const plain = toPlainRecord(record);
    const line = plain === undefined ? "" : JSON.stringify(plain);
    if (plain === undefined) problems.push({ position: offset + i + 1, code: "invalid_encoding", message: invalidEncoding });
    lines.push(line);
    length += line.length;
    if (lines.length < parquetPageRows && length < parquetPageLength && i < records.length - 1) continue;
    yield { lines, problems };
    [lines, problems, length] = [[], [], 0];
  }
}

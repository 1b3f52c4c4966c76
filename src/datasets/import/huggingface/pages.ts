import { toStorableText } from "../../../kit/db/text.ts";
import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { groupsOf } from "../../formats/parquet/parse-parquet.ts";
import { RecordConverter } from "../../formats/parquet/plain-record.ts";
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

type PageReader = (hub: HfClient, at: HfImport, offset: number, work: WorkMeter) => AsyncGenerator<HubPage>;

/** The work of converting a row to JSON, beside that of its characters. */
const unitsPerRow = 1_000;
const unitsPerCharacter = 5;

/** Readers of the missing rows, page by page. They throw HfRejectedError, UnreadableFileError and retryable errors. */
export const pageReaders: Record<HfSource, PageReader> = {
  rows: pagesOfRows,
  parquet: pagesOfParquet,
};

async function* pagesOfRows(hub: HfClient, at: HfImport, offset: number, work: WorkMeter): AsyncGenerator<HubPage> {
  const mayBeElsewhere = at.ways !== undefined && at.ways.length > 1;
  let size = pageRows;
  for (let next = offset; next < at.limit;) {
    const length = Math.min(size, at.limit - next);
    const { rows, total, partial, asked } = await fetchRows(hub, at, next, length);
    const lines: string[] = [];
    const problems: RowProblem[] = [];
    for (const { row, truncated_cells: cut } of rows) {
      const line = cut.length === 0 ? JSON.stringify(row) : "";
      lines.push(line);
      await work.spend(unitsPerRow + line.length * unitsPerCharacter);
      const message = `has cells that the dataset server truncates: ${toStorableText(cut.join(", "), 200)}`;
      if (cut.length > 0) problems.push({ position: next + lines.length, code: "cut_short", message });
    }
    if (problems.length > 0 && mayBeElsewhere)
      throw new TruncatedCellsError("The dataset server truncates cells of this dataset.");
    yield { lines, problems, partial };
    next += rows.length;
    if (asked < length) size = asked;
    if (rows.length < asked || next === total) return;
  }
}

/** Reads the row groups that contain the missing rows. */
async function* pagesOfParquet(hub: HfClient, at: HfImport, offset: number, work: WorkMeter): AsyncGenerator<HubPage> {
  const { files, partial } = await listParquet(hub, at);
  if (files.length === 0) throw new HfRejectedError("The dataset server has no Parquet files for this dataset.");
  const converter = new RecordConverter();
  let rowsSeen = 0;
  for (const [number, file] of files.entries()) {
    if (number === maxParquetFiles) throw new HfRejectedError(`The dataset has more than ${maxParquetFiles} Parquet files.`);
    for await (const group of groupsOf(rangedSource(hub, file), work)) {
      const first = rowsSeen;
      rowsSeen += group.rows;
      if (rowsSeen <= offset) continue;
      const from = Math.max(first, offset);
      const records = group.read(from - first);
      for await (const page of pagesOfRecords(records, converter, from, Math.min(rowsSeen, at.limit), work))
        yield { ...page, partial };
      if (rowsSeen >= at.limit) return;
    }
  }
}

/** @param end the number of the last record to read */
async function* pagesOfRecords(
  records: AsyncIterable<Record<string, unknown>>,
  converter: RecordConverter,
  offset: number,
  end: number,
  work: WorkMeter,
): AsyncGenerator<Omit<HubPage, "partial">> {
  let lines: string[] = [];
  let problems: RowProblem[] = [];
  let length = 0;
  let position = offset;
  for await (const record of records) {
    const converted = converter.convert(record);
    const line = "plain" in converted ? JSON.stringify(converted.plain) : "";
    position++;
    const fault = "fault" in converted ? converted.fault : converted.leftOut;
    if (fault !== undefined) problems.push({ position, ...fault });
    lines.push(line);
    length += line.length;
    await work.spend(unitsPerRow + line.length * unitsPerCharacter);
    const isLast = position === end;
    if (lines.length < parquetPageRows && length < parquetPageLength && !isLast) continue;
    yield { lines, problems };
    [lines, problems, length] = [[], [], 0];
    if (isLast) return;
  }
}

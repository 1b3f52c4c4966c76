import type { WorkMeter } from "../../kit/async/work-meter.ts";
import { maxRowsLength } from "../constants.ts";
import { parseRows, type FileToParse } from "../formats/parse-file.ts";
import { UnreadableFileError, type ByteSource, type Parsed, type RowProblem } from "../formats/types.ts";
import type { FilteredRow, RowFilter } from "./row-filter.ts";

/** The work of writing a character of a row as JSON. */
const unitsPerCharacter = 2;

/** What `cleanRows` gives: a problem, or a filtered row and the JSON that is stored of it. */
export type CleanRow = { problem: RowProblem } | { filtered: FilteredRow; line: string };

/**
 * Parses a file and filters its rows, as an import stores them.
 * @throws UnreadableFileError as `parseRows` and `filterRows`
 */
export function cleanRows(
  source: ByteSource,
  file: FileToParse,
  rowFilter: RowFilter,
  work: WorkMeter,
  lengthLimit = maxRowsLength,
): AsyncGenerator<CleanRow> {
  return filterRows(parseRows(source, file, work), rowFilter, work, lengthLimit);
}

/**
 * Filters parsed rows. The index of a row is its number from 0.
 * @throws UnreadableFileError if the rows repeat so much of the file that they are too long together
 */
export async function* filterRows(
  rows: AsyncIterable<Parsed>,
  rowFilter: RowFilter,
  work: WorkMeter,
  lengthLimit = maxRowsLength,
): AsyncGenerator<CleanRow> {
  let index = 0;
  let length = 0;
  for await (const parsed of rows) {
    if ("problem" in parsed) {
      yield parsed;
      continue;
    }
    const filtered = await rowFilter.evaluate(parsed.row);
    const { row, hash, dropped } = filtered;
    await work.spend(row.text.length * unitsPerCharacter);
    const line = JSON.stringify({ index, ...row, hash, dropped });
    await work.spend(line.length * unitsPerCharacter);
    length += line.length;
    if (length > lengthLimit)
      throw new UnreadableFileError(
        `has rows of more than ${lengthLimit.toLocaleString("en")} characters together. Split it into several datasets.`,
      );
    yield { filtered, line };
    index++;
  }
}

import { WorkMeter } from "../../kit/async/work-meter.ts";
import { maxRows } from "../constants.ts";
import { fileFormat, type Format } from "./registry.ts";
import { UnreadableFileError, type ByteSource, type Parsed } from "./types.ts";

export type FileToParse = { format: Format; name: string };

/** The work of a row or a problem beside that of its characters. */
const unitsPerRow = 300;

/**
 * Parses a file into rows and problems. The same bytes give the same sequence, so an import resumes by parsing again and
 * skipping the known rows.
 *
 * @param work the meter of the whole task: it pauses the task so that other requests are answered
 * @throws UnreadableFile, also in the middle: wrong format, truncated file, too many rows, or too much decompressed data
 */
export async function* parseRows(
  source: ByteSource,
  { format, name }: FileToParse,
  work: WorkMeter = new WorkMeter(),
  rowLimit = maxRows,
): AsyncGenerator<Parsed> {
  let rows = 0;
  for await (const parsed of fileFormat(format).parse(source, name, work)) {
    if (++rows > rowLimit)
      throw new UnreadableFileError(`has more than ${rowLimit.toLocaleString("en")} rows. Split it into several datasets.`);
    await work.spend(unitsPerRow);
    yield parsed;
  }
}

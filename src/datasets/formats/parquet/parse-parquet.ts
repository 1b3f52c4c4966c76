import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { openParquet } from "./bomb-guard.ts";
import { toPlainRecord } from "./plain-record.ts";
import { rowsOf } from "../records/records.ts";
import { problem, UnreadableFileError, type ByteSource, type Parsed, type RandomAccess, type FileFormat } from "../types.ts";

/** Apache Parquet. */
export const parquetFormat = {
  name: "parquet",
  label: "Parquet",
  async matchesBytes({ hex, source }) {
    if (!hex.startsWith("50415231")) return false;
    const end = Buffer.from(await source.read(Math.max(4, source.size - 4), source.size)).toString("latin1");
    if (end !== "PAR1") throw new UnreadableFileError("is a truncated Parquet file: its footer is missing.");
    return true;
  },
  parse: parseParquet,
} as const satisfies FileFormat;

/** Parses a Parquet file, one row group at a time. Binary values, for example images, are omitted. */
async function* parseParquet(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  let position = 0;
  for await (const group of groupsOf(source, work)) {
    for await (const record of group.read()) yield* parseRecord(record, ++position, name);
  }
}

/** A row group: its number of rows, and its raw records from a row on (see `toPlainRecord`). */
type Group = { rows: number; read(from?: number): AsyncGenerator<Record<string, unknown>> };

/** The row groups of a Parquet file, in order. Only groups that are read are fetched. @throws UnreadableFile, also on read */
export async function* groupsOf(source: RandomAccess, work: WorkMeter): AsyncGenerator<Group> {
  const parquet = await openParquet(source, work);
  for (const group of parquet.metadata.row_groups) {
    yield {
      rows: Number(group.num_rows),
      async *read(from = 0) {
        await parquet.check(group);
        const { recordsOf } = await import("./read-group.ts");
        try {
          yield* recordsOf(parquet, group, from, work);
        } catch (cause) {
          throw new UnreadableFileError("is a Parquet file with damaged data or an unsupported encoding.", { cause });
        }
      },
    };
  }
}

function* parseRecord(record: Record<string, unknown>, position: number, name: string): Generator<Parsed> {
  const converted = toPlainRecord(record);
  if ("fault" in converted) yield problem(position, converted.fault.code, converted.fault.message);
  else for (const row of rowsOf(converted.plain, `${name}#${position}`)) yield { row };
}

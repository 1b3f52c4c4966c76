import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { toStorableText } from "../../../kit/db/text.ts";
import { isEncrypted, openParquet } from "./bomb-guard.ts";
import { RecordConverter } from "./plain-record.ts";
import { rowsOf } from "../records/records.ts";
import { problem, UnreadableFileError, type ByteSource, type Parsed, type RandomAccess, type FileFormat } from "../types.ts";

/** Apache Parquet. */
export const parquetFormat = {
  name: "parquet",
  label: "Parquet",
  async matchesBytes({ hex, source }) {
    if (!hex.startsWith("50415231")) return false;
    const end = Buffer.from(await source.read(Math.max(4, source.size - 4), source.size)).toString("latin1");
    if (end === "PARE") throw new UnreadableFileError("is an encrypted Parquet file. Write it without encryption.");
    if (end !== "PAR1") throw new UnreadableFileError("is a truncated Parquet file: its footer is missing.");
    return true;
  },
  parse: parseParquet,
} as const satisfies FileFormat;

/** Parses a Parquet file, one row group at a time. Binary values, for example images, and encrypted columns are left out, which is a problem. */
async function* parseParquet(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  let position = 0;
  const converter = new RecordConverter();
  const encrypted = new Set<string>();
  for await (const group of groupsOf(source, work)) {
    if (group.isEncrypted)
      throw new UnreadableFileError("is a Parquet file with encrypted columns only. Write it without encryption.");
    for await (const record of group.read()) yield* parseRecord(converter.convert(record), ++position, name);
    for (const column of group.encrypted) encrypted.add(column);
  }
  if (encrypted.size > 0)
    yield problem(
      1,
      "left_out",
      `has encrypted columns, which are left out of all rows: ${toStorableText(Array.from(encrypted).join(", "), 300)}`,
    );
}

/** A row group: its number of rows, and its raw records from a row on (see `RecordConverter`). */
type Group = {
  rows: number;
  encrypted: readonly string[];
  isEncrypted: boolean;
  read(from?: number): AsyncGenerator<Record<string, unknown>>;
};

/** The row groups of a Parquet file, in order. Only groups that are read are fetched. @throws UnreadableFileError, also on read */
export async function* groupsOf(source: RandomAccess, work: WorkMeter): AsyncGenerator<Group> {
  const parquet = await openParquet(source, work);
  for (const group of parquet.metadata.row_groups) {
    yield {
      rows: Number(group.num_rows),
      isEncrypted: group.columns.length > 0 && group.columns.every(isEncrypted),
      encrypted: group.columns.filter(isEncrypted).map((column) => column.meta_data?.path_in_schema.join(".") ?? "unnamed"),
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

function* parseRecord(converted: ReturnType<RecordConverter["convert"]>, position: number, name: string): Generator<Parsed> {
  if ("fault" in converted) yield problem(position, converted.fault.code, converted.fault.message);
  else {
    for (const row of rowsOf(converted.plain, `${name}#${position}`)) yield { row };
    if (converted.leftOut !== undefined) yield problem(position, converted.leftOut.code, converted.leftOut.message);
  }
}

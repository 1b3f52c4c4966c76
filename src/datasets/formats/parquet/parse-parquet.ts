import type { ParquetParsers } from "hyparquet";
import { openParquet, type Parquet } from "./bomb-guard.ts";
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
async function* parseParquet(source: ByteSource, name: string): AsyncGenerator<Parsed> {
  let position = 0;
  for await (const group of groupsOf(source)) {
    for (const record of await group.read()) yield* parseRecord(record, ++position, name);
  }
}

/** A row group: its number of rows and its raw records (see `toPlainRecord`). */
type Group = { rows: number; read(): Promise<Record<string, unknown>[]> };

/** The row groups of a Parquet file, in order. Only groups that are read are fetched. @throws UnreadableFileError, also on read */
export async function* groupsOf(source: RandomAccess): AsyncGenerator<Group> {
  const parquet = await openParquet(source);
  let rowStart = 0;
  for (const group of parquet.metadata.row_groups) {
    const from = rowStart;
    rowStart += Number(group.num_rows);
    const rowEnd = rowStart;
    yield {
      rows: rowEnd - from,
      async read() {
        await parquet.check(group);
        return readGroup(parquet, from, rowEnd);
      },
    };
  }
}

async function readGroup(parquet: Parquet, rowStart: number, rowEnd: number): Promise<Record<string, unknown>[]> {
  const { parquetReadObjects } = await import("hyparquet");
  try {
    return await parquetReadObjects({
      file: parquet.file,
      metadata: parquet.metadata,
      compressors: parquet.compressors,
      rowStart,
      rowEnd,
      utf8: false,
      parsers,
    });
  } catch (cause) {
    throw new UnreadableFileError("is a Parquet file with damaged data or an unsupported encoding.", {
      cause,
    });
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A lone surrogate, which marks invalid text. */
const broken = "\uDC80";

const parsers: Partial<ParquetParsers> = {
  stringFromBytes: (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : (decode(bytes) ?? broken)),
};

function decode(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function* parseRecord(record: Record<string, unknown>, position: number, name: string): Generator<Parsed> {
  const plain = toPlainRecord(record);
  if (plain === undefined) yield problem(position, "invalid_encoding", invalidEncoding);
  else for (const row of rowsOf(plain, `${name}#${position}`)) yield { row };
}

export const invalidEncoding = "is not valid UTF-8";

/** A record as JSON values; undefined if a text is not valid UTF-8. */
export function toPlainRecord(record: Record<string, unknown>): Record<string, unknown> | undefined {
  const plain = plainOf(record) as Record<string, unknown>;
  return JSON.stringify(plain).includes(String.raw`\udc80`) ? undefined : plain;
}

/** A value as JSON. Bytes become text if they are valid UTF-8, because old writers do not mark text columns. */
function plainOf(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return decode(value);
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, plainOf(each)] as const);
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
}

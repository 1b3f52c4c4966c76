import type { ParquetParsers } from "hyparquet";
import { type FileMetaData, openParquet, type Parquet } from "./parquet-guard.ts";
import { rowsOf } from "./records.ts";
import { type ByteSource, type Parsed, problem, UnreadableFile } from "./source.ts";

/** The rows of a Parquet file, a row group at a time. What is in it as bytes alone, pictures for instance, is left out. */
export async function* parseParquet(source: ByteSource, name: string): AsyncGenerator<Parsed> {
  const parquet = await openParquet(source);
  let rowStart = 0;
  for (const group of parquet.metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    await parquet.check(group);
    for (const [index, record] of (await readGroup(parquet, rowStart, rowEnd)).entries()) {
      yield* parseRecord(record, rowStart + index + 1, name);
    }
    rowStart = rowEnd;
  }
}

async function readGroup({ file, metadata }: Parquet, rowStart: number, rowEnd: number): Promise<Record<string, unknown>[]> {
  const { parquetReadObjects } = await import("hyparquet");
  try {
    return await parquetReadObjects({
      file,
      metadata,
      rowStart,
      rowEnd,
      utf8: false,
      parsers,
      compressors: await openCompressors(metadata),
    });
  } catch (cause) {
    throw new UnreadableFile("is a Parquet file with data that are damaged, or encoded in a way that is not read.", { cause });
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Half a surrogate pair: what stands for a text that is none. */
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

type Decompress = (bytes: Uint8Array, size: number) => Uint8Array;

/** What the columns are inflated with, apart from Snappy, which is read anyway. */
async function openCompressors(metadata: FileMetaData): Promise<Record<string, Decompress>> {
  const columns = metadata.row_groups.flatMap((group) => group.columns);
  const codecs = new Set(columns.map((column) => column.meta_data?.codec));
  const found: Record<string, Decompress> = {};
  if (codecs.has("GZIP")) {
    const { gunzipSync } = await import("fflate");
    found["GZIP"] = (bytes, size) => gunzipSync(bytes, { out: new Uint8Array(size) });
  }
  if (codecs.has("ZSTD")) {
    const { decompress } = await import("fzstd");
    found["ZSTD"] = (bytes, size) => decompress(bytes, new Uint8Array(size));
  }
  return found;
}

function* parseRecord(record: Record<string, unknown>, position: number, name: string): Generator<Parsed> {
  const plain = plainOf(record) as Record<string, unknown>;
  if (JSON.stringify(plain).includes(String.raw`\udc80`)) yield problem(position, "invalid_encoding", "is not valid UTF-8");
  else for (const row of rowsOf(plain, `${name}#${position}`)) yield { row };
}

/** A value as JSON has it. Bytes are text if they can be, as old writers do not say which they are. */
function plainOf(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return decode(value);
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, plainOf(each)] as const);
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
}

import type { Ctx } from "../../context.ts";
import { WorkMeter } from "../../kit/async/work-meter.ts";
import { sha256Short } from "../../kit/crypto/hash.ts";
import { chunkText, type Chunk } from "../chunking/chunk-text.ts";
import type { Vector } from "./embedder.ts";
import type { knowledgeParts } from "../tables.ts";

/** The indexed fields of a row of a dataset. */
export type Row = {
  index: number;
  kind: string;
  text: string;
  fields: Record<string, unknown> | null;
  source: string;
  start: number;
};

/** Reads the rows of a dataset after a given row, in order. Rows that refining drops are skipped. */
export type ReadRows = (ctx: Ctx, datasetId: number, from: { after: number }) => AsyncIterable<Row>;

type PendingChunk = Chunk & Pick<Row, "kind" | "source"> & { fields: Fields | null; embedded: string; content_hash: string };

/** The chunks of consecutive rows, up to the row `lastRow`. */
export type Batch = { lastRow: number; chunks: PendingChunk[] };

/** The approximate number of chunks per commit. The chunks of one row are never separated. */
const batchChunks = 128;

/** The work of a row, and that of a chunk beside that of its characters. */
const unitsPerRow = 1_000;
const unitsPerChunk = 3_000;
const unitsPerCharacter = 4;

const encoder = new TextEncoder();

/** Splits rows into chunks and groups them into batches. It spends its work chunk by chunk, so that other requests are answered. */
export async function* batchesOf(
  rows: AsyncIterable<Row>,
  {
    strategy,
    chunk_size,
    chunk_overlap,
  }: Pick<typeof knowledgeParts.$inferSelect, "strategy" | "chunk_size" | "chunk_overlap">,
  work = new WorkMeter(),
): AsyncGenerator<Batch> {
  let batch: Batch | undefined;
  for await (const row of rows) {
    batch ??= { lastRow: row.index, chunks: [] };
    const fields = shortFields(row.fields);
    await work.spend(unitsPerRow + row.text.length);
    for (const chunk of chunkText(row.text, { strategy, chunk_size, chunk_overlap })) {
      await work.spend(unitsPerChunk + chunk.text.length * unitsPerCharacter);
      const embedded = [chunk.heading, chunk.table_header, chunk.text].filter((part) => part !== null).join("\n");
      const content_hash = await sha256Short(encoder.encode(embedded));
      const [start, end] = [row.start + chunk.start, row.start + chunk.end];
      batch.chunks.push({ ...chunk, start, end, kind: row.kind, source: row.source, fields, embedded, content_hash });
    }
    batch.lastRow = row.index;
    if (batch.chunks.length < batchChunks) continue;
    yield batch;
    batch = undefined;
  }
  if (batch !== undefined) yield batch;
}

/** Returns the database rows of a batch. A chunk without a vector reuses the vector of the same content. */
export function chunkRows({ chunks }: Batch, from: number, vectors: ReadonlyMap<string, Vector>) {
  return chunks.map(({ text, heading, table_header, source, start, end, kind, fields, content_hash }, index) => {
    const vector = vectors.get(content_hash);
    const embedding = vector === undefined ? null : formatVector(vector);
    return { position: from + index, text, heading, table_header, source, start, end, kind, fields, content_hash, embedding };
  });
}

/** Formats a vector for pgvector. Nine digits are enough for its 32-bit numbers. */
function formatVector(vector: Vector): string {
  return `[${vector.map((value) => Number(value.toPrecision(9))).join(",")}]`;
}

type Fields = Record<string, string | number | boolean>;

const maxFields = 20;
const maxFieldLength = 200;

/** Returns the short fields of a row, used to filter passages. */
function shortFields(fields: Record<string, unknown> | null): Fields | null {
  const isShort = (value: unknown): value is string | number | boolean =>
    (typeof value === "string" && value.length <= maxFieldLength) || typeof value === "number" || typeof value === "boolean";
  const short = Object.entries(fields ?? {}).filter((entry): entry is [string, string | number | boolean] => isShort(entry[1]));
  return short.length === 0 ? null : Object.fromEntries(short.slice(0, maxFields));
}

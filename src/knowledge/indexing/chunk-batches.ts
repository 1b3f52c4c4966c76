import type { Ctx } from "../../context.ts";
import { sha256Short } from "../../kit/crypto/hash.ts";
import { chunkText, type Chunk } from "../chunking/chunk-text.ts";
import type { Vector } from "./embedder.ts";
import type { knowledgeParts } from "../tables.ts";

/** A row of a dataset, as far as it is indexed. */
export type Row = {
  index: number;
  kind: string;
  text: string;
  fields: Record<string, unknown> | null;
  source: string;
  start: number;
};

/** The rows of a dataset after one of them, in order, without those that refining drops. */
export type ReadRows = (ctx: Ctx, datasetId: number, from: { after: number }) => AsyncIterable<Row>;

type PendingChunk = Chunk & Pick<Row, "kind" | "source"> & { fields: Fields | null; embedded: string; content_hash: string };

/** The chunks of some rows, of which the last is `lastRow`. */
export type Batch = { lastRow: number; chunks: PendingChunk[] };

/** How many chunks are committed together, more or less: those of one row are never parted. */
const batchChunks = 128;

const encoder = new TextEncoder();

/** Cuts rows into chunks, row by row, and gathers those of some rows. */
export async function* batchesOf(
  rows: AsyncIterable<Row>,
  {
    strategy,
    chunk_size,
    chunk_overlap,
  }: Pick<typeof knowledgeParts.$inferSelect, "strategy" | "chunk_size" | "chunk_overlap">,
): AsyncGenerator<Batch> {
  let batch: Batch | undefined;
  for await (const row of rows) {
    batch ??= { lastRow: row.index, chunks: [] };
    const fields = shortFields(row.fields);
    for (const chunk of chunkText(row.text, { strategy, chunk_size, chunk_overlap })) {
      const embedded = chunk.heading === null ? chunk.text : `${chunk.heading}\n${chunk.text}`;
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

/** The rows of a batch's chunks; one without a vector takes over that of its content. */
export function chunkRows({ chunks }: Batch, from: number, vectors: ReadonlyMap<string, Vector>) {
  return chunks.map(({ text, heading, source, start, end, kind, fields, content_hash }, index) => {
    const vector = vectors.get(content_hash);
    const embedding = vector === undefined ? null : written(vector);
    return { position: from + index, text, heading, source, start, end, kind, fields, content_hash, embedding };
  });
}

/** A vector as pgvector reads it: it keeps 32 bits of a number, which nine digits tell apart. */
function written(vector: Vector): string {
  return `[${vector.map((value) => Number(value.toPrecision(9))).join(",")}]`;
}

type Fields = Record<string, string | number | boolean>;

const maxFields = 20;
const maxFieldLength = 200;

/** What a row says in short values beside its text: what passages are filtered by. */
function shortFields(fields: Record<string, unknown> | null): Fields | null {
  const isShort = (value: unknown): value is string | number | boolean =>
    (typeof value === "string" && value.length <= maxFieldLength) || typeof value === "number" || typeof value === "boolean";
  const short = Object.entries(fields ?? {}).filter((entry): entry is [string, string | number | boolean] => isShort(entry[1]));
  return short.length === 0 ? null : Object.fromEntries(short.slice(0, maxFields));
}

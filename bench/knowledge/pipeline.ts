import { sql } from "drizzle-orm";
import type { Client } from "pg";
import type { Ctx } from "../../src/context.ts";
import { commit, type TransactionContext } from "../../src/kit/db/commit.ts";
import { chunkRows, batchesOf, type Row } from "../../src/knowledge/indexing/chunk-batches.ts";
import { resumeBuild } from "../../src/knowledge/indexing/run-build.ts";
import type { Embedder } from "../../src/knowledge/indexing/embedder.ts";
import type { DatasetSource } from "../../src/knowledge/indexing/start-build.ts";
import { embedText } from "../../src/models/providers/builtin/hashing-embedding.ts";
import { interleave } from "../support/interleave.ts";
import { clusteredVectors, insertBuild } from "./corpus.ts";
import { median } from "../support/stats.ts";

const dimensions = 384;
const rowCount = 600;
const settings = { strategy: "auto", chunk_size: 1_000, chunk_overlap: 100 } as const;

/** Measures the chunks per second of a build, compared to inserting the same chunks in the same batches. */
export async function benchPipeline(ctx: Ctx, client: Client, rounds: number): Promise<void> {
  const vectors = clusteredVectors(2, dimensions);
  const precomputed = Array.from({ length: 2 * rowCount }, vectors);
  const fake = (): Embedder => {
    let next = 0;
    return { embed: async (texts) => texts.map(() => precomputed[next++ % precomputed.length]!), usage: () => [] };
  };
  const builtin = (): Embedder => ({ embed: async (texts) => texts.map(embedText), usage: () => [] });
  const runBuild = (createEmbedder: () => Embedder) => async () => {
    const { build_id, part_id } = await insertBuild(client, settings);
    const startedAt = performance.now();
    await resumeBuild(ctx, { build_id }, datasets, { open: async () => createEmbedder() });
    return chunksPerSecond(client, part_id, startedAt);
  };
  console.log(`Indexing ${rowCount} rows, ${rounds} rounds …`);
  const samples = await interleave(rounds, {
    fake: runBuild(fake),
    builtin: runBuild(builtin),
    raw: async () => {
      const { part_id } = await insertBuild(client, { ...settings, dimensions });
      const batches: ReturnType<typeof chunkRows>[] = [];
      let from = 0;
      for await (const batch of batchesOf(generateRows(), settings)) {
        batches.push(
          chunkRows(
            batch,
            from,
            new Map(
              batch.chunks.map(({ content_hash }, index) => [content_hash, precomputed[(from + index) % precomputed.length]!]),
            ),
          ),
        );
        from += batch.chunks.length;
      }
      const startedAt = performance.now();
      for (const batch of batches) await insertRaw(ctx, part_id, batch);
      return chunksPerSecond(client, part_id, startedAt);
    },
  });
  for (const name of ["fake", "builtin", "raw"] as const) {
    console.log(`${name} chunks/s ${median(samples.map((round) => round[name])).toFixed(0)}`);
  }
  for (const name of ["fake", "builtin"] as const) {
    const ratio = median(samples.map((round) => round[name] / round.raw));
    console.log(`pipeline (${name} embeddings) / raw batched insert ratio ${ratio.toFixed(2)}`);
  }
}

async function insertRaw(ctx: TransactionContext, partId: number, batch: ReturnType<typeof chunkRows>): Promise<void> {
  await commit(ctx, [
    ctx.db.execute(sql`
      insert into knowledge_chunks (part_id, position, text, heading, source, start, "end", kind, fields, content_hash, dimensions, embedding)
      select ${partId}, r.position, r.text, r.heading, r.source, r.start, r."end", r.kind, r.fields, r.content_hash, ${dimensions}::int,
        r.embedding::vector
      from json_to_recordset(${JSON.stringify(batch)}::json) as r(position int, text text, heading text, source text, start int, "end" int,
        kind text, fields jsonb, content_hash text, embedding text)`),
  ]);
}

async function chunksPerSecond(client: Client, partId: number, startedAt: number): Promise<number> {
  const seconds = (performance.now() - startedAt) / 1_000;
  const { rows: counted } = await client.query<{ chunks: number }>(
    "select count(*)::int as chunks from knowledge_chunks where part_id = $1",
    [partId],
  );
  if (counted[0]!.chunks < rowCount) throw new Error(`Expected at least ${rowCount} chunks, found ${counted[0]!.chunks}.`);
  // The index of the next variant would be slower with these rows.
  await client.query("truncate knowledge_chunks");
  return counted[0]!.chunks / seconds;
}

const datasets: DatasetSource = {
  readRows: generateRows,
  readable: () => sql`select 1 as id, 'bench' as name`,
  lock: ({ db }) => db.execute(sql`select 1`),
  unlock: ({ db }) => db.execute(sql`select 1`),
};

async function* generateRows(): AsyncGenerator<Row> {
  for (let index = 0; index < rowCount; index += 1) {
    const sentences = Array.from(
      { length: 24 },
      (_, sentence) => `In row ${index}, the sentence with the number ${sentence * 7 + index} has ${index * sentence}.`,
    );
    yield { index, kind: "text", text: sentences.join(" "), fields: { index }, source: `bench.csv#${index + 1}`, start: 0 };
  }
}

import { sql } from "drizzle-orm";
import type { Client } from "pg";
import type { Ctx } from "../../src/context.ts";
import { commit, type TransactionContext } from "../../src/kit/db/commit.ts";
import type { Row } from "../../src/knowledge/indexing/chunk-batches.ts";
import type { Embedder } from "../../src/knowledge/indexing/embedder.ts";
import { resumeBuild } from "../../src/knowledge/indexing/run-build.ts";
import type { DatasetSource } from "../../src/knowledge/indexing/start-build.ts";
import { termsFor } from "../../src/knowledge/search/keyword.ts";
import { scanSettings, searchRow, type KnowledgeBaseRef } from "../../src/knowledge/search/retrieve.ts";
import { seededRandom } from "../../test/support/random.ts";
import { interleave } from "../support/interleave.ts";
import { median, quantile } from "../support/stats.ts";
import { clusteredVectors, insertBuild } from "./corpus.ts";

/** Fewer dimensions than those of real models: the words are measured here. */
const dimensions = 32;
const queries = 100;
const wordsPerChunk = 90;
const vocabulary = 60_000;

const methods = ["keyword", "hybrid"] as const;

/**
 * Measures the statement of a search with postings, compared to the same base without them, which is searched by `words` as earlier
 * versions did, and the size of the postings.
 */
export async function benchKeyword(
  ctx: Ctx,
  client: Client,
  sizes: readonly number[] = [1_000, 20_000, 100_000],
): Promise<void> {
  const bases: { base: KnowledgeBaseRef; count: number; bytes: Record<string, number> }[] = [];
  for (const count of sizes) {
    console.log(`Indexing ${count} chunks of ${wordsPerChunk} words …`);
    bases.push({ base: await build(ctx, client, count), count, bytes: await sizesOf(client) });
    await client.query("analyze");
  }
  await client.query(
    `create index on knowledge_chunks using hnsw ((embedding::vector(${dimensions})) vector_cosine_ops) where dimensions = ${dimensions}`,
  );
  console.log("chunks   method    words p50   words p95   postings p50   postings p95   ratio of p95");
  for (const { base, count } of bases) {
    for (const method of methods) {
      const { words, postings } = await measure(ctx, client, base, method);
      const columns = [
        String(count).padEnd(8),
        method.padEnd(8),
        median(words).toFixed(1).padStart(10),
        quantile(words, 0.95).toFixed(1).padStart(11),
        median(postings).toFixed(1).padStart(14),
        quantile(postings, 0.95).toFixed(1).padStart(14),
        (quantile(postings, 0.95) / quantile(words, 0.95)).toFixed(2).padStart(14),
      ];
      console.log(columns.join(" "));
    }
  }
  const { count, bytes } = bases.at(-1)!;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  for (const [name, size] of Object.entries(bytes))
    console.log(`${name} bytes a chunk (${count}) ${(size / total).toFixed(0)}`);
}

async function sizesOf(client: Client): Promise<Record<string, number>> {
  const { rows } = await client.query<Record<string, string>>(
    `select pg_total_relation_size('knowledge_postings') as postings, pg_relation_size('knowledge_chunks_by_words') as words_index,
       (select sum(pg_column_size(words)) from knowledge_chunks) as words`,
  );
  return Object.fromEntries(Object.entries(rows[0]!).map(([name, bytes]) => [name, Number(bytes)]));
}

async function measure(ctx: TransactionContext, client: Client, base: KnowledgeBaseRef, method: (typeof methods)[number]) {
  const random = seededRandom(5);
  const vectors = clusteredVectors(3, dimensions);
  const search = (isAnalyzed: boolean, query: string, vector: number[]) => async () => {
    await client.query("update knowledge_parts set analyzer_version = case when $2 then 1 end where knowledge_base_id = $1", [
      base.id,
      isAnalyzed,
    ]);
    const question = { query, top_k: 10, method };
    const [terms] = await termsFor([question]);
    const startedAt = performance.now();
    const given = method === "keyword" ? undefined : vector;
    await commit(ctx, [scanSettings(ctx), searchRow(ctx, base, question, given, terms!)]);
    return performance.now() - startedAt;
  };
  const samples: { words: number; postings: number }[] = [];
  for (let query = 0; query < queries; query += 1) {
    const asked = Array.from({ length: 3 + Math.floor(random() * 4) }, () => word(random)).join(" ");
    const vector = vectors();
    samples.push(...(await interleave(1, { words: search(false, asked, vector), postings: search(true, asked, vector) })));
  }
  return { words: samples.map(({ words }) => words), postings: samples.map(({ postings }) => postings) };
}

/** A word whose frequency follows Zipf's law. */
function word(random: () => number): string {
  const rank = Math.floor(Math.exp(random() * Math.log(vocabulary)));
  return (
    Array.from(rank.toString(26).padStart(3, "0"), (digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join("") +
    "o"
  );
}

async function build(ctx: Ctx, client: Client, count: number): Promise<KnowledgeBaseRef> {
  const vectors = clusteredVectors(2, dimensions);
  const embedder: Embedder = { embed: async (texts) => texts.map(vectors), usage: () => [] };
  const { build_id } = await insertBuild(client, { strategy: "prose", chunk_size: 1_000, chunk_overlap: 0 });
  const datasets: DatasetSource = {
    readRows: () => rowsOf(count),
    readable: () => sql`select 1 as id, 'bench' as name`,
    lock: ({ db }) => db.execute(sql`select 1`),
    unlock: ({ db }) => db.execute(sql`select 1`),
  };
  const limits = { ms: Infinity, chunks: Infinity };
  await resumeBuild(ctx, { build_id }, datasets, { limits, open: async () => embedder });
  const { rows } = await client.query<KnowledgeBaseRef>(
    `select id, user_id, embedding_model, dimensions from knowledge_bases where active_build_id = $1`,
    [build_id],
  );
  if (rows[0] === undefined) throw new Error("The build is not complete.");
  return rows[0];
}

async function* rowsOf(count: number): AsyncGenerator<Row> {
  const random = seededRandom(count);
  for (let index = 0; index < count; index += 1) {
    const text = Array.from({ length: wordsPerChunk }, () => word(random)).join(" ");
    yield { index, kind: "text", text, fields: null, source: "bench.txt", start: 0 };
  }
}

import { sql, type SQL } from "drizzle-orm";
import { startNeonBridge } from "../../dev/postgres/bridge/neon-bridge.ts";
import { openEmbeddedPostgres } from "../../dev/postgres/embedded-postgres.ts";
import { connect } from "../../dev/postgres/connect.ts";
import { migrate } from "../../drizzle/migrate.ts";
import { commit, type TransactionContext } from "../../src/kit/db/commit.ts";
import { exactChunks, halfPrecisionAbove } from "../../src/knowledge/constants.ts";
import { scanSettings, searchRow, type Filter, type KnowledgeBaseRef } from "../../src/knowledge/search/retrieve.ts";
import { createTestContexts, testBindings } from "../../test/support/in-process-context.ts";
import { clusteredVectors, loadBase } from "./corpus.ts";
import { benchKeyword } from "./keyword.ts";
import { benchPipeline } from "./pipeline.ts";
import { median, quantile } from "../support/stats.ts";

/** Fewer dimensions than those of real models, so that Postgres indexes 100,000 vectors within a minute. */
const dimensions = 64;
const manyChunks = 100_000;
const fewChunks = 500;
const topK = 10;
const queries = 100;

/** Discards the messages that are sent after a commit. The benchmark excludes their cost. */
const silentBindings = {
  JOBS: { send: async () => undefined },
  USER_HUB: { getByName: () => ({ push: async () => undefined }) },
};

type Case = {
  name: string;
  base: KnowledgeBaseRef;
  filter?: Filter;
  /** The filter as SQL, for the exact search. */
  condition: SQL;
  /** The recall that the search should reach. */
  minRecall: number;
};

/** Measures indexing, and the recall of searches in a base of 100,000 chunks and in a small one, compared to an exact search. */
export async function benchKnowledge(rounds: number): Promise<void> {
  if (manyChunks <= exactChunks || dimensions > halfPrecisionAbove) throw new RangeError("The search would not use the index.");
  const postgres = await openEmbeddedPostgres();
  const client = await connect(postgres.url);
  const bridge = await startNeonBridge({ databaseUrl: postgres.url });
  try {
    await migrate(postgres.url);
    const ctx = createTestContexts(testBindings(bridge.url, silentBindings)).context("bench");
    await benchPipeline(ctx, client, Math.min(rounds, 5));
    await benchKeyword(ctx, client);
    const vectors = clusteredVectors(1, dimensions);
    console.log(`Loading ${manyChunks} chunks, and ${fewChunks} of another user …`);
    const many = await loadBase(client, { count: manyChunks, vectors, dimensions });
    const few = await loadBase(client, { count: fewChunks, vectors, dimensions });
    console.log("Building the index …");
    // The migrations have no index for this number of dimensions.
    await client.query(
      `create index on knowledge_chunks using hnsw ((embedding::vector(${dimensions})) vector_cosine_ops) where dimensions = ${dimensions}`,
    );
    await client.query("analyze");
    const cases: Case[] = [
      { name: "unfiltered", base: many, condition: sql`true`, minRecall: 0.97 },
      {
        name: "10 % filter",
        base: many,
        filter: { fields: { tenth: 3 } },
        condition: sql`fields @> '{"tenth": 3}'`,
        minRecall: 0.95,
      },
      {
        name: "1 % filter",
        base: many,
        filter: { fields: { hundredth: 42 } },
        condition: sql`fields @> '{"hundredth": 42}'`,
        minRecall: 0.95,
      },
      { name: "0.01 % filter", base: many, filter: { sources: ["rare.md"] }, condition: sql`source = 'rare.md'`, minRecall: 1 },
      { name: "base of 500 chunks", base: few, condition: sql`true`, minRecall: 1 },
    ];
    console.log("case                       recall@10   bar   fewest rows    ms p50    ms p95");
    for (const searchCase of cases) {
      const { recall, fewest, ms } = await measure(ctx, searchCase, vectors);
      const columns = [
        searchCase.name.padEnd(24),
        recall.toFixed(3).padStart(11),
        searchCase.minRecall.toFixed(2).padStart(5),
        String(fewest).padStart(13),
        median(ms).toFixed(1).padStart(9),
        quantile(ms, 0.95).toFixed(1).padStart(9),
      ];
      console.log(columns.join(" "));
    }
  } finally {
    await bridge.close();
    await client.end();
    await postgres.close();
  }
}

async function measure(ctx: TransactionContext, { base, filter, condition }: Case, vectors: () => number[]) {
  const recalls: number[] = [];
  const ms: number[] = [];
  let fewest = Infinity;
  for (let query = 0; query < queries; query += 1) {
    const vector = vectors();
    const input = { query: "", top_k: topK, method: "semantic" as const, filter };
    const sentAt = performance.now();
    const [, { rows }] = await commit(ctx, [scanSettings(ctx), searchRow(ctx, base, input, vector, [])]);
    ms.push(performance.now() - sentAt);
    const nearest = await ctx.db.execute<{ id: number }>(sql`
      select c.id::float8 as id from knowledge_chunks c join knowledge_parts p on p.id = c.part_id
      where p.knowledge_base_id = ${base.id} and ${condition}
      order by (c.embedding <=> ${JSON.stringify(vector)}::vector) + 0 limit ${topK}`);
    const found = new Set(rows.map(({ chunk_id }) => chunk_id));
    recalls.push(nearest.rows.filter(({ id }) => found.has(id)).length / nearest.rows.length);
    fewest = Math.min(fewest, rows.length);
  }
  return { recall: recalls.reduce((sum, one) => sum + one, 0) / queries, fewest, ms };
}

import { sql, type SQL } from "drizzle-orm";
import { startNeonBridge } from "../dev/postgres/bridge/neon-bridge.ts";
import { openEmbeddedPostgres } from "../dev/postgres/embedded-postgres.ts";
import { connect } from "../dev/postgres/connect.ts";
import { migrate } from "../drizzle/migrate.ts";
import { commit, type Committer } from "../src/kit/db/client.ts";
import { exactChunks, halfPrecisionAbove } from "../src/knowledge/constants.ts";
import { scanSettings, searchRow, type Filter, type PinnedBase } from "../src/knowledge/search/retrieve.ts";
import { openEvents, testBindings } from "../test/support/in-process-context.ts";
import { clusteredVectors, loadBase } from "./knowledge-corpus.ts";
import { benchPipeline } from "./knowledge-pipeline.ts";
import { median, quantile } from "./stats.ts";

/** Less than models have, so that the index of 100,000 vectors is built in a minute. */
const dimensions = 64;
const manyChunks = 100_000;
const fewChunks = 500;
const topK = 10;
const questions = 100;

/** What is sent and told behind a commit is no part of what is measured. */
const quiet = {
  JOBS: { send: async () => undefined },
  USER_HUB: { getByName: () => ({ tell: async () => undefined }) },
};

type Case = { name: string; base: PinnedBase; filter?: Filter; condition: SQL; least: number };

/** How many of the nearest chunks the search finds, against comparing all, in a base of 100,000 chunks and in a small one beside it. */
export async function benchKnowledge(rounds: number): Promise<void> {
  if (manyChunks <= exactChunks || dimensions > halfPrecisionAbove) throw new RangeError("This measures no index.");
  const postgres = await openEmbeddedPostgres();
  const client = await connect(postgres.url);
  const bridge = await startNeonBridge({ databaseUrl: postgres.url });
  try {
    await migrate(postgres.url);
    const ctx = openEvents(testBindings(bridge.url, quiet)).context("bench");
    await benchPipeline(ctx, client, Math.min(rounds, 5));
    const vectors = clusteredVectors(1, dimensions);
    console.log(`Loading ${manyChunks} chunks, and ${fewChunks} of somebody else …`);
    const many = await loadBase(client, { count: manyChunks, vectors, dimensions });
    const few = await loadBase(client, { count: fewChunks, vectors, dimensions });
    console.log("Building the index …");
    // As the indexes of the migrations, for a length that these have not.
    await client.query(
      `create index on knowledge_chunks using hnsw ((embedding::vector(${dimensions})) vector_cosine_ops) where dimensions = ${dimensions}`,
    );
    await client.query("analyze");
    const cases: Case[] = [
      { name: "unfiltered", base: many, condition: sql`true`, least: 0.97 },
      {
        name: "10 % filter",
        base: many,
        filter: { fields: { tenth: 3 } },
        condition: sql`fields @> '{"tenth": 3}'`,
        least: 0.95,
      },
      {
        name: "1 % filter",
        base: many,
        filter: { fields: { hundredth: 42 } },
        condition: sql`fields @> '{"hundredth": 42}'`,
        least: 0.95,
      },
      { name: "0.01 % filter", base: many, filter: { sources: ["rare.md"] }, condition: sql`source = 'rare.md'`, least: 1 },
      { name: "500 chunks beside them", base: few, condition: sql`true`, least: 1 },
    ];
    console.log("case                       recall@10   bar   fewest rows    ms p50    ms p95");
    for (const each of cases) {
      const { recall, fewest, ms } = await measure(ctx, each, vectors);
      const columns = [
        each.name.padEnd(24),
        recall.toFixed(3).padStart(11),
        each.least.toFixed(2).padStart(5),
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

async function measure(ctx: Committer, { base, filter, condition }: Case, vectors: () => number[]) {
  const recalls: number[] = [];
  const ms: number[] = [];
  let fewest = Infinity;
  for (let asked = 0; asked < questions; asked += 1) {
    const vector = vectors();
    const question = { query: "", top_k: topK, method: "semantic" as const, filter };
    const sentAt = performance.now();
    const [, { rows }] = await commit(ctx, [scanSettings(ctx), searchRow(ctx, base, question, vector)]);
    ms.push(performance.now() - sentAt);
    const nearest = await ctx.db.execute<{ id: number }>(sql`
      select c.id::float8 as id from knowledge_chunks c join knowledge_parts p on p.id = c.part_id
      where p.knowledge_base_id = ${base.id} and ${condition}
      order by (c.embedding <=> ${JSON.stringify(vector)}::vector) + 0 limit ${topK}`);
    const found = new Set(rows.map(({ chunk_id }) => chunk_id));
    recalls.push(nearest.rows.filter(({ id }) => found.has(id)).length / nearest.rows.length);
    fewest = Math.min(fewest, rows.length);
  }
  return { recall: recalls.reduce((sum, each) => sum + each, 0) / questions, fewest, ms };
}

import type { Client } from "pg";
import type { KnowledgeBaseRef } from "../../src/knowledge/search/retrieve.ts";
import { seededRandom } from "../../test/support/random.ts";

const clusters = 200;
const insertBatchSize = 5_000;

/** Generates vectors around random centers. Embeddings of texts form such clusters by subject. */
export function clusteredVectors(seed: number, dimensions: number): () => number[] {
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const centers = Array.from({ length: clusters }, () => Array.from({ length: dimensions }, normal));
  return () => {
    const center = centers[Math.floor(random() * clusters)]!;
    return center.map((value) => Math.round((value + 0.7 * normal()) * 1e4) / 1e4);
  };
}

let baseCount = 0;

/** Inserts a knowledge base of `count` chunks with SQL. One of 10,000 chunks has the source `rare.md`. */
export async function loadBase(
  client: Client,
  { count, vectors, dimensions }: { count: number; vectors: () => number[]; dimensions: number },
): Promise<KnowledgeBaseRef> {
  const insertReturningId = async (text: string, values: unknown[] = []) =>
    (await client.query<{ id: number }>(text, values)).rows[0]!.id;
  const name = `bench${++baseCount}`;
  const embedding_model = "builtin/bench";
  const user_id = await insertReturningId(
    "insert into users (username, display_username, email, name) values ($1, $1, $1, $1) returning id",
    [name],
  );
  const id = await insertReturningId(
    "insert into knowledge_bases (user_id, name, embedding_model, dimensions) values ($1, $2, $3, $4) returning id",
    [user_id, name, embedding_model, dimensions],
  );
  const build = await insertReturningId(
    "insert into knowledge_builds (knowledge_base_id, status, update_strategy) values ($1, 'complete', 'append') returning id",
    [id],
  );
  const part = await insertReturningId(
    `insert into knowledge_parts (knowledge_base_id, dataset_id, name, strategy, chunk_size, chunk_overlap, dimensions, chunk_count)
     values ($1, 1, 'bench', 'auto', 1000, 100, $2, $3) returning id`,
    [id, dimensions, count],
  );
  await client.query("insert into knowledge_build_parts (build_id, part_id, position) values ($1, $2, 1)", [build, part]);
  await client.query("update knowledge_bases set active_build_id = $2 where id = $1", [id, build]);
  for (let from = 0; from < count; from += insertBatchSize) {
    const embeddings = Array.from({ length: Math.min(insertBatchSize, count - from) }, () => JSON.stringify(vectors()));
    await client.query(
      `insert into knowledge_chunks (part_id, position, text, source, start, "end", kind, fields, content_hash, dimensions, embedding)
       select $1, n, 'chunk ' || n, case when n % 10000 = 0 then 'rare.md' else 'bench.md' end, 0, 5, 'text',
         jsonb_build_object('tenth', n % 10, 'hundredth', n % 100), n::text, $2, embedding::vector
       from (select $3::int + ordinal - 1 as n, embedding from unnest($4::text[]) with ordinality as v(embedding, ordinal)) rows`,
      [part, dimensions, from, embeddings],
    );
  }
  return { id, user_id, embedding_model, dimensions };
}

/** Inserts a running build with one empty part. */
export async function insertBuild(
  client: Client,
  {
    dimensions = null,
    ...settings
  }: { strategy: string; chunk_size: number; chunk_overlap: number; dimensions?: number | null },
): Promise<{ build_id: number; part_id: number }> {
  const name = `bench${++baseCount}`;
  const { rows } = await client.query<{ build_id: number; part_id: number }>(
    `with owner as (
       insert into users (username, display_username, email, name) values ($1, $1, $1, $1) returning id
     ), base as (
       insert into knowledge_bases (user_id, name, embedding_model, dimensions) select id, $1, 'builtin/bench', $2::int from owner returning id
     ), build as (
       insert into knowledge_builds (knowledge_base_id, update_strategy) select id, 'append' from base returning id
     ), part as (
       insert into knowledge_parts (knowledge_base_id, dataset_id, name, strategy, chunk_size, chunk_overlap, dimensions)
       select id, 1, $1, $3, $4, $5, $2::int from base returning id
     ), build_part as (
       insert into knowledge_build_parts (build_id, part_id, position) select build.id, part.id, 1 from build, part
     )
     select build.id as build_id, part.id as part_id from build, part`,
    [name, dimensions, settings.strategy, settings.chunk_size, settings.chunk_overlap],
  );
  return rows[0]!;
}

import { sql } from "drizzle-orm";
import type { Client } from "pg";
import type { Ctx } from "../../src/context.ts";
import type { DatasetSource } from "../../src/knowledge/indexing/start-build.ts";
import { resumeBuild } from "../../src/knowledge/indexing/run-build.ts";
import type { SetDocument } from "./sets/types.ts";

/** A knowledge base of the bench, and its owner. */
export type IndexedSet = { id: number; user_id: number; chunks: number };

const maxAttempts = 10;

/** Indexes documents as a build does by default: each is one row, whose source is its name. */
export async function indexSet(
  ctx: Ctx,
  client: Client,
  { name, documents, model }: { name: string; documents: readonly SetDocument[]; model: string },
): Promise<IndexedSet> {
  const { rows } = await client.query<{ user_id: number; id: number; build_id: number; part_id: number }>(
    `with owner as (
       insert into users (username, display_username, email, name) values ($1, $1, $1, $1) returning id
     ), base as (
       insert into knowledge_bases (user_id, name, embedding_model) select id, $1, $2 from owner returning id, user_id
     ), build as (
       insert into knowledge_builds (knowledge_base_id, update_strategy) select id, 'append' from base returning id
     ), part as (
       insert into knowledge_parts (knowledge_base_id, dataset_id, name, strategy, chunk_size, chunk_overlap)
       select id, 1, $1, 'auto', 1000, 100 from base returning id
     ), build_part as (
       insert into knowledge_build_parts (build_id, part_id, position) select build.id, part.id, 1 from build, part
     )
     select base.user_id, base.id, build.id as build_id, part.id as part_id from base, build, part`,
    [name, model],
  );
  const { user_id, id, build_id, part_id } = rows[0]!;
  const resume = () => resumeBuild(ctx, { build_id }, sourceOf(documents), { limits: { ms: Infinity, chunks: Infinity } });
  // As a queue does: a busy machine can need more time for a commit than a request has.
  for (let attempt = 1; ; attempt += 1) {
    try {
      await resume();
      break;
    } catch (error) {
      if (attempt === maxAttempts) throw error;
    }
  }
  const built = await client.query<{ status: string; error: string | null; chunks: number }>(
    `select b.status, b.error, p.chunk_count as chunks from knowledge_builds b, knowledge_parts p where b.id = $1 and p.id = $2`,
    [build_id, part_id],
  );
  const { status, error, chunks } = built.rows[0]!;
  if (status !== "complete") throw new Error(`${name} was not indexed: ${error ?? status}`);
  return { id, user_id, chunks };
}

function sourceOf(documents: readonly SetDocument[]): DatasetSource {
  return {
    async *readRows(_ctx, _datasetId, { after }) {
      for (const [index, { name, text }] of documents.entries()) {
        if (index <= after || text.trim() === "") continue;
        yield { index, kind: "text", text, fields: null, source: name, start: 0 };
      }
    },
    readable: () => sql`select 1 as id, 'documents' as name`,
    lock: ({ db }) => db.execute(sql`select 1`),
    unlock: ({ db }) => db.execute(sql`select 1`),
  };
}

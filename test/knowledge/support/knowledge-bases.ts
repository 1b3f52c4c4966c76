import { builtinDefaults } from "../../../src/models/providers/defaults.ts";
import { embedText } from "../../../src/models/providers/builtin/hashing-embedding.ts";
import type { KnowledgeBaseRef } from "../../../src/knowledge/search/retrieve.ts";
import { analyzerVersion, loadAnalyzer } from "../../../src/kit/text/analyzer.ts";
import { PostingsBlock } from "../../../src/knowledge/indexing/postings.ts";
import type { TestDatabase } from "../../support/api.ts";

type Sql = Pick<TestDatabase, "sql">;

/** A chunk that is put into a base beside the rules. */
export type GivenChunk = {
  text: string;
  heading?: string | null;
  source?: string;
  kind?: string;
  fields?: object | null;
  embedding?: readonly number[];
};

let named = 0;

/**
 * Inserts a knowledge base whose active build has one part a list of chunks.
 * @param older the datasets whose parts have no postings, as earlier versions wrote them
 */
export async function insertBase(
  { sql }: Sql,
  userId: number,
  parts: Readonly<Record<number, readonly GivenChunk[]>> = {},
  { dimensions = 384, older = [] }: { dimensions?: number; older?: readonly number[] } = {},
): Promise<KnowledgeBaseRef> {
  const [base] = await sql(
    "insert into knowledge_bases (user_id, name, embedding_model, dimensions) values ($1, $2, $3, $4) returning id",
    [userId, `Base ${++named}`, builtinDefaults.embedding, dimensions],
  );
  const id = Number(base!["id"]);
  const [build] = await sql(
    "insert into knowledge_builds (knowledge_base_id, status, update_strategy) values ($1, 'complete', 'append') returning id",
    [id],
  );
  for (const [datasetId, chunks] of Object.entries(parts)) {
    const [part] = await sql(
      `insert into knowledge_parts (knowledge_base_id, dataset_id, name, strategy, chunk_size, chunk_overlap, dimensions, chunk_count, completed_at)
       values ($1, $2, 'part', 'auto', 1000, 100, $3, $4, now()) returning id`,
      [id, datasetId, dimensions, chunks.length],
    );
    await sql("insert into knowledge_build_parts (build_id, part_id, position) values ($1, $2::int, $2::int)", [
      build!["id"],
      part!["id"],
    ]);
    await insertChunks({ sql }, Number(part!["id"]), chunks);
    if (!older.includes(Number(datasetId))) await insertPostings({ sql }, Number(part!["id"]), chunks);
  }
  await sql("update knowledge_bases set active_build_id = $2 where id = $1", [id, build!["id"]]);
  return { id, user_id: userId, embedding_model: builtinDefaults.embedding, dimensions };
}

async function insertChunks({ sql }: Sql, partId: number, chunks: readonly GivenChunk[]): Promise<void> {
  const rows = chunks.map(
    ({ text, heading = null, source = "test.md", kind = "text", fields, embedding = embedText(text) }, position) => ({
      position,
      text,
      heading,
      source,
      kind,
      fields: fields ?? null,
      dimensions: embedding.length,
      embedding: JSON.stringify(embedding),
    }),
  );
  await sql(
    `insert into knowledge_chunks (part_id, position, text, heading, source, start, "end", kind, fields, content_hash, dimensions, embedding)
     select $1, position, text, heading, source, 0, length(text), kind, fields, md5(text), dimensions, embedding::vector
     from json_to_recordset($2) as r(position int, text text, heading text, source text, kind text, fields jsonb, dimensions int, embedding text)`,
    [partId, JSON.stringify(rows)],
  );
}

async function insertPostings({ sql }: Sql, partId: number, chunks: readonly GivenChunk[]): Promise<void> {
  const block = new PostingsBlock(await loadAnalyzer());
  for (const [position, { text, heading = null }] of chunks.entries()) block.add({ position, text, heading });
  for (const rows of block.rows(Infinity)) {
    await sql(
      `insert into knowledge_postings (part_id, term, block, chunk_count, postings)
       select $1, term, 0, cardinality(postings), postings from json_to_recordset($2) as r(term text, postings bigint[])`,
      [partId, JSON.stringify(rows)],
    );
  }
  await sql(
    "update knowledge_parts set analyzed_count = $2, word_count = $3, languages = $4, analyzer_version = $5 where id = $1",
    [partId, chunks.length, block.wordCount, block.languages, analyzerVersion],
  );
}

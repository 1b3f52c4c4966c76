import { inArray, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, type Statement } from "../../kit/db/commit.ts";
import { analyzerVersion } from "../../kit/text/analyzer.ts";
import type { Passage } from "../../models/gateway/passage-block.ts";
import { saveUsageInBackground } from "../model-usage.ts";
import { openEmbedder, type EmbeddedBy, type Vector } from "../indexing/embedder.ts";
import { fusion, poolOf, vectorShare } from "../ranking.ts";
import { keywordQueries, noneWorded, termsFor, type QueryTerms } from "./keyword.ts";
import { exactChunks, type RetrievalMethod } from "../constants.ts";
import { comparable, knowledgeBases, knowledgeBuildParts, knowledgeChunks, knowledgeParts } from "../tables.ts";

/** The immutable fields of a knowledge base that a search needs. They can be cached forever. */
export type KnowledgeBaseRef = EmbeddedBy & { id: number };

/** A filter of passages. A passage must match one value of each list. */
export type Filter = {
  dataset_ids?: readonly number[] | undefined;
  sources?: readonly string[] | undefined;
  kinds?: readonly string[] | undefined;
  /** The fields of the row; all must match. */
  fields?: Readonly<Record<string, string | number | boolean>> | undefined;
};

export type Question = {
  query: string;
  /** The maximum number of passages. */
  top_k: number;
  method: RetrievalMethod;
  /** The minimum cosine similarity, or for `keyword` the minimum score; 0 disables it. */
  threshold?: number | undefined;
  filter?: Filter | undefined;
};

export type Retrieved = Passage & {
  chunk_id: number;
  dataset_id: number;
  heading: string | null;
  table_header: string | null;
  start: number;
  end: number;
};

/**
 * Retrieves the best passages for a question from the active build. One Postgres round trip, plus those of the embedding model.
 * Returns no passages if the base was deleted or has no build.
 * @throws ProviderError if the embedding model fails; database_unavailable
 */
export async function retrievePassages(ctx: Ctx, base: KnowledgeBaseRef, question: Question): Promise<Retrieved[]> {
  const [terms] = await termsFor([question]);
  const { vectors, usage } = await vectorsFor(ctx, base, [question]);
  const [, { rows }] = await commit(ctx, [scanSettings(ctx), searchRow(ctx, base, question, vectors[0], terms!), ...usage]);
  return rows;
}

/**
 * Embeds the questions, and returns the vectors with the statements that store the usage. `keyword` questions need no vector.
 * @throws ProviderError
 */
export async function vectorsFor(
  ctx: Ctx,
  base: KnowledgeBaseRef,
  questions: readonly Pick<Question, "method" | "query">[],
): Promise<{ vectors: (Vector | undefined)[]; usage: Statement[] }> {
  const compared = questions.filter(({ method }) => method !== "keyword");
  if (compared.length === 0) return { vectors: [], usage: [] };
  const embedder = await openEmbedder(ctx, base);
  try {
    const embeddings = await embedder.embed(compared.map(({ query }) => query));
    return { vectors: questions.map((question) => embeddings[compared.indexOf(question)]), usage: embedder.usage() };
  } catch (error) {
    saveUsageInBackground(ctx, embedder.usage());
    throw error;
  }
}

/** Configures the HNSW scan for the current commit: it continues until enough rows pass the filters or it reaches its limit. */
export function scanSettings({ db }: Pick<Ctx, "db">): Statement {
  return db.execute(sql`
    select set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '200', true),
      set_config('hnsw.max_scan_tuples', '20000', true)`);
}

/**
 * The statement that searches the active build of a knowledge base. `scanSettings` must run before it.
 * @param vector see `vectorsFor`
 * @param terms see `termsFor`
 */
export function searchRow(
  { db }: Pick<Ctx, "db">,
  base: KnowledgeBaseRef,
  { query, top_k, method, threshold = 0, filter = {} }: Question,
  vector: Vector | undefined,
  terms: QueryTerms,
) {
  const pool = poolOf(top_k);
  const scores = scoresOf(method, base);
  const conditions = conditionsOf(filter);
  const target = vector === undefined ? undefined : comparable(sql`${JSON.stringify(vector)}`, vector.length);
  const near = target === undefined ? noneNear : nearest(target, vector!.length, pool, conditions);
  const similarity =
    target === undefined ? sql`null::float8` : sql`1 - (${comparable(sql`c.embedding`, vector!.length)} <=> ${target})`;
  const fits =
    threshold === 0 ? sql`true` : method === "keyword" ? sql`score >= ${threshold}` : sql`similarity >= ${threshold}`;
  return db.execute<Retrieved>(sql`
    with parts as materialized (${activeParts(base, filter)}),
    size as materialized (select coalesce(sum(chunk_count), 0) > ${exactChunks} as is_large from parts),
    ${near},
    ${method === "semantic" ? noneWorded : keywordQueries({ query, terms, pool, conditions })},
    ranked as (
      select id, ${scores.near} as score from (select id, distance, row_number() over (order by distance, id) as place from near) near
      union all
      select id, ${scores.worded} as score from (select id, rank, row_number() over (order by rank desc, id) as place from worded) worded
    ),
    fused as (select id, sum(score)::float8 as score from ranked group by id),
    found as (
      select c.id, c.part_id, c.text, c.heading, c.table_header, c.source, c.start, c."end", fused.score, ${similarity} as similarity
      from fused join ${knowledgeChunks} c using (id)
    )
    select found.id::float8 as chunk_id, parts.dataset_id, found.text, found.heading, found.table_header, found.source, found.start, found."end", found.score
    from found join parts on parts.id = found.part_id where ${fits}
    order by found.score desc, found.similarity desc, found.id limit ${top_k}`);
}

/** The score of a chunk per retriever: its own measure or, for hybrid, its weight divided by the rank. */
function scoresOf(method: RetrievalMethod, { embedding_model }: KnowledgeBaseRef): { near: SQL; worded: SQL } {
  if (method !== "hybrid") return { near: sql`1 - distance`, worded: sql`rank` };
  const share = vectorShare(embedding_model);
  const byRank = (part: number) => sql.raw(`${part * (fusion + 1)} / (${fusion} + place)::float8`);
  return { near: byRank(share), worded: byRank(1 - share) };
}

/** The parts of the active build; none if the embedding model or the owner differs. */
function activeParts({ id, user_id, embedding_model }: KnowledgeBaseRef, { dataset_ids }: Filter): SQL {
  const ofDatasets = dataset_ids === undefined ? sql`true` : inArray(sql`p.dataset_id`, [...dataset_ids]);
  return sql`
    select p.id, p.dataset_id, p.chunk_count, p.word_count, p.languages,
      p.analyzer_version is not distinct from ${analyzerVersion} as is_analyzed
    from ${knowledgeBases} b join ${knowledgeBuildParts} bp on bp.build_id = b.active_build_id
      join ${knowledgeParts} p on p.id = bp.part_id
    where b.id = ${id} and b.user_id = ${user_id} and b.embedding_model = ${embedding_model} and ${ofDatasets}`;
}

/** The conditions of a filter on the chunk `c`. Its datasets choose parts instead. */
function conditionsOf({ sources, kinds, fields }: Filter): SQL[] {
  return [
    ...(sources === undefined ? [] : [inArray(sql`c.source`, [...sources])]),
    ...(kinds === undefined ? [] : [inArray(sql`c.kind`, [...kinds])]),
    ...(fields === undefined ? [] : [sql`c.fields @> ${JSON.stringify(fields)}::jsonb`]),
  ];
}

const noneNear = sql`near as materialized (select null::bigint as id, null::float8 as distance where false)`;

/**
 * The nearest chunks. Up to 20,000 chunks are all compared; above that, HNSW finds candidates. If a narrow filter makes HNSW stop
 * early, all chunks that pass the filter are compared. Adding 0 to the distance prevents the use of the index.
 */
function nearest(target: SQL, dimensions: number, pool: number, conditions: readonly SQL[]): SQL {
  const chosen = sql.join([sql`c.part_id = any (array(select id from parts))`, ...conditions], sql` and `);
  const distance = sql`${comparable(sql`c.embedding`, dimensions)} <=> ${target}`;
  const exact = (when: SQL) => sql`(
      select c.id, (${distance}) as distance from ${knowledgeChunks} c
      where ${when} and c.dimensions = ${sql.raw(String(dimensions))} and ${chosen}
      order by (${distance}) + 0 limit ${pool})`;
  return sql`
    scanned as materialized (
      select c.id, ${distance} as distance from ${knowledgeChunks} c
      where (select is_large from size) and c.dimensions = ${sql.raw(String(dimensions))} and ${chosen}
      order by ${distance} limit ${pool}
    ),
    missed as materialized (select is_large and (select count(*) from scanned) < ${pool} as is_so from size),
    near as materialized (
      select id, distance from scanned where not (select is_so from missed)
      union all ${exact(sql`((select is_so from missed) or not (select is_large from size))`)}
    )`;
}

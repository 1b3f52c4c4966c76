import { inArray, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, type Statement } from "../../kit/db/commit.ts";
import { builtinDefaults } from "../../models/providers/defaults.ts";
import type { Passage } from "../../models/gateway/passage-block.ts";
import { keepBehind } from "../model-usage.ts";
import { openEmbedder, type EmbeddedBy, type Vector } from "../indexing/embedder.ts";
import { exactChunks, type RetrievalMethod } from "../constants.ts";
import { comparable, knowledgeBases, knowledgeBuildParts, knowledgeChunks, knowledgeParts } from "../tables.ts";

/** What is known of a knowledge base before it is searched. It never changes, so that it can be kept as long as one likes. */
export type KnowledgeBaseRef = EmbeddedBy & { id: number };

/** What a passage must be of. Of a list, one must hold. */
export type Filter = {
  dataset_ids?: readonly number[] | undefined;
  sources?: readonly string[] | undefined;
  kinds?: readonly string[] | undefined;
  /** What its row says beside the text: all of these. */
  fields?: Readonly<Record<string, string | number | boolean>> | undefined;
};

export type Question = {
  query: string;
  /** How many passages at most. */
  top_k: number;
  method: RetrievalMethod;
  /** The least cosine similarity, or for `keyword` the least rank; 0 lets everything pass. */
  threshold?: number | undefined;
  filter?: Filter | undefined;
};

export type Retrieved = Passage & {
  chunk_id: number;
  dataset_id: number;
  heading: string | null;
  start: number;
  end: number;
};

/**
 * The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009, https://doi.org/10.1145/1571941.1572114). They take 60, for
 * lists of a thousand; in lists of tens that lets what is middling in both pass what is best in one.
 */
const fusion = 10;

/** What the nearest vectors count in hybrid retrieval, of 1. The built-in ones compare letters, which the words do better; see the tests of recall. */
const vectorShare = (embeddingModel: string) => (embeddingModel === builtinDefaults.embedding ? 0.2 : 0.5);

/** How many of each retriever's best are looked at: HNSW goes by no strict order, so that of more the best are surer to be among them. */
const poolOf = (topK: number) => Math.max(60, 4 * topK);

/**
 * Finds what fits a question best, in what is built of a knowledge base at this moment. One Postgres round trip, beside what the
 * embedding model takes. Of a base that is gone, or has no build yet, nothing is found.
 * @throws ProviderError where the embedding model fails; database_unavailable
 */
export async function retrievePassages(ctx: Ctx, base: KnowledgeBaseRef, question: Question): Promise<Retrieved[]> {
  const { vectors, usage } = await vectorsFor(ctx, base, [question]);
  const [, { rows }] = await commit(ctx, [scanSettings(ctx), searchRow(ctx, base, question, vectors[0]), ...usage]);
  return rows;
}

/**
 * What questions are compared by, and the statements that keep what that used; none for those that are looked up by their words alone.
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
    const made = await embedder.embed(compared.map(({ query }) => query));
    return { vectors: questions.map((question) => made[compared.indexOf(question)]), usage: embedder.usage() };
  } catch (error) {
    keepBehind(ctx, embedder.usage());
    throw error;
  }
}

/** What HNSW looks at: it goes on until it has enough that the filters let pass, or has seen so many. For the commit it is in alone. */
export function scanSettings({ db }: Pick<Ctx, "db">): Statement {
  return db.execute(sql`
    select set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '200', true),
      set_config('hnsw.max_scan_tuples', '20000', true)`);
}

/** The statement that searches one knowledge base, in the build that is active when it runs; `scanSettings` goes before it. */
export function searchRow(
  { db }: Pick<Ctx, "db">,
  base: KnowledgeBaseRef,
  { query, top_k, method, threshold = 0, filter = {} }: Question,
  vector: Vector | undefined,
) {
  const pool = poolOf(top_k);
  const scores = scoresOf(method, base);
  const lexemes = sql`replace(plainto_tsquery('english', ${query})::text, ' & ', ' | ')::tsquery`;
  const asked = vector === undefined ? undefined : comparable(sql`${JSON.stringify(vector)}`, vector.length);
  const near = asked === undefined ? noneNear : nearest(asked, vector!.length, pool, filter);
  const similarity =
    asked === undefined ? sql`null::float8` : sql`1 - (${comparable(sql`c.embedding`, vector!.length)} <=> ${asked})`;
  const fits =
    threshold === 0 ? sql`true` : method === "keyword" ? sql`score >= ${threshold}` : sql`similarity >= ${threshold}`;
  return db.execute<Retrieved>(sql`
    with parts as materialized (${partsOf(base, filter)}),
    size as materialized (select coalesce(sum(chunk_count), 0) > ${exactChunks} as is_large from parts),
    asked as materialized (select ${lexemes} as lexemes),
    ${near},
    worded as materialized (${
      method === "semantic" ? sql`select null::bigint as id, null::float8 as rank where false` : worded(pool, filter)
    }),
    ranked as (
      select id, ${scores.near} as score from (select id, distance, row_number() over (order by distance, id) as place from near) near
      union all
      select id, ${scores.worded} as score from (select id, rank, row_number() over (order by rank desc, id) as place from worded) worded
    ),
    fused as (select id, sum(score)::float8 as score from ranked group by id),
    found as (
      select c.id, c.part_id, c.text, c.heading, c.source, c.start, c."end", fused.score, ${similarity} as similarity
      from fused join ${knowledgeChunks} c using (id)
    )
    select found.id::float8 as chunk_id, parts.dataset_id, found.text, found.heading, found.source, found.start, found."end", found.score
    from found join parts on parts.id = found.part_id where ${fits}
    order by found.score desc, found.similarity desc, found.id limit ${top_k}`);
}

/** What each retriever gives to the score of a chunk: its own measure, or, for both, its share by the place it puts it at. */
function scoresOf(method: RetrievalMethod, { embedding_model }: KnowledgeBaseRef): { near: SQL; worded: SQL } {
  if (method !== "hybrid") return { near: sql`1 - distance`, worded: sql`rank` };
  const share = vectorShare(embedding_model);
  const byPlace = (part: number) => sql.raw(`${part * (fusion + 1)} / (${fusion} + place)::float8`);
  return { near: byPlace(share), worded: byPlace(1 - share) };
}

/** The parts of the build that is active. A base of another model, or of somebody else, has none. */
function partsOf({ id, user_id, embedding_model }: KnowledgeBaseRef, { dataset_ids }: Filter): SQL {
  const ofDatasets = dataset_ids === undefined ? sql`true` : inArray(sql`p.dataset_id`, [...dataset_ids]);
  return sql`
    select p.id, p.dataset_id, p.chunk_count
    from ${knowledgeBases} b join ${knowledgeBuildParts} bp on bp.build_id = b.active_build_id
      join ${knowledgeParts} p on p.id = bp.part_id
    where b.id = ${id} and b.user_id = ${user_id} and b.embedding_model = ${embedding_model} and ${ofDatasets}`;
}

/** That a chunk is of these parts, and as the filter wants it. */
function chosen({ sources, kinds, fields }: Filter): SQL {
  const all = [
    sql`c.part_id = any (array(select id from parts))`,
    ...(sources === undefined ? [] : [inArray(sql`c.source`, [...sources])]),
    ...(kinds === undefined ? [] : [inArray(sql`c.kind`, [...kinds])]),
    ...(fields === undefined ? [] : [sql`c.fields @> ${JSON.stringify(fields)}::jsonb`]),
  ];
  return sql.join(all, sql` and `);
}

const noneNear = sql`near as materialized (select null::bigint as id, null::float8 as distance where false)`;

/**
 * The nearest chunks: all are compared, or, of more than 20,000, those that HNSW comes by. What is filtered so closely that HNSW gives
 * up before it has enough is compared one by one after all. Adding nothing to a distance keeps its index from being used.
 */
function nearest(asked: SQL, dimensions: number, pool: number, filter: Filter): SQL {
  const distance = sql`${comparable(sql`c.embedding`, dimensions)} <=> ${asked}`;
  const exact = (when: SQL) => sql`(
      select c.id, (${distance}) as distance from ${knowledgeChunks} c
      where ${when} and c.dimensions = ${sql.raw(String(dimensions))} and ${chosen(filter)}
      order by (${distance}) + 0 limit ${pool})`;
  return sql`
    scanned as materialized (
      select c.id, ${distance} as distance from ${knowledgeChunks} c
      where (select is_large from size) and c.dimensions = ${sql.raw(String(dimensions))} and ${chosen(filter)}
      order by ${distance} limit ${pool}
    ),
    missed as materialized (select is_large and (select count(*) from scanned) < ${pool} as is_so from size),
    near as materialized (
      select id, distance from scanned where not (select is_so from missed)
      union all ${exact(sql`((select is_so from missed) or not (select is_large from size))`)}
    )`;
}

function worded(pool: number, filter: Filter): SQL {
  // 1 divides by the length of the text, 32 brings the rank below 1.
  return sql`
    select c.id, ts_rank(c.words, (select lexemes from asked), 1 | 32)::float8 as rank from ${knowledgeChunks} c
    where c.words @@ (select lexemes from asked) and ${chosen(filter)}
    order by 2 desc, 1 limit ${pool}`;
}

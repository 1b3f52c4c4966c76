import { and, asc, eq, gte, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { WorkMeter } from "../../kit/async/work-meter.ts";
import { commitProgress, type Statement } from "../../kit/db/commit.ts";
import { loadAnalyzer } from "../../kit/text/analyzer.ts";
import { knowledgeChunks, knowledgeParts, knowledgePostings } from "../tables.ts";
import { stillBuilding, type BuildState, type Part } from "./build-state.ts";
import { PostingsBlock, type AnalyzedChunk } from "./postings.ts";

/** The limits of a block of postings, which is in memory as a whole. */
export type BlockLimits = { chunks: number; postings: number };

export const blockLimits: BlockLimits = { chunks: 4_096, postings: 300_000 };

/** The chunks that are read at once. */
const chunksPerRead = 256;

/** The postings per commit: about 1 MB of JSON. */
const postingsPerCommit = 60_000;

/** The work of analyzing a character. */
const unitsPerCharacter = 30;

/**
 * Writes the postings of a part whose chunks are stored, block by block. Each block is written again if the consumer dies before it is
 * counted, with the same rows.
 * @param end when to stop, on the clock of `performance`; at least one block is written
 * @returns false if blocks remain
 */
export async function writePostings(
  ctx: Ctx,
  state: BuildState,
  part: Part,
  end: number,
  limits: BlockLimits,
): Promise<boolean> {
  while (part.analyzed_count < part.chunk_count) {
    await writeBlock(ctx, state, part, limits);
    if (performance.now() >= end && part.analyzed_count < part.chunk_count) return false;
  }
  return true;
}

async function writeBlock(ctx: Ctx, state: BuildState, part: Part, limits: BlockLimits): Promise<void> {
  const first = part.analyzed_count;
  const written = new PostingsBlock(await loadAnalyzer());
  const work = new WorkMeter();
  for await (const chunk of chunksOf(ctx, part, first)) {
    await work.spend(unitsPerCharacter * chunk.text.length);
    written.add(chunk);
    if (written.chunkCount >= limits.chunks || written.size >= limits.postings) break;
  }
  const groups = Array.from(written.rows(postingsPerCommit));
  const ownPart = eq(knowledgeParts.id, part.id);
  const isNext = sql`(select ${knowledgeParts.analyzed_count} from ${knowledgeParts} where ${ownPart}) = ${first}`;
  const check = () => stillBuilding(ctx, state, { knowledge_part_moved: isNext });
  for (const group of groups.slice(0, -1)) await commitProgress(ctx, [check(), insertPostings(ctx, part.id, first, group)]);
  const analyzed_count = first + written.chunkCount;
  const languages = `{${written.languages.join(",")}}`;
  const counted = ctx.db
    .update(knowledgeParts)
    .set({
      analyzed_count,
      word_count: sql`${knowledgeParts.word_count} + ${written.wordCount}`,
      languages: sql`array(select unnest(${knowledgeParts.languages}) union select unnest(${languages}::text[]) order by 1)`,
    })
    .where(ownPart);
  const last = groups.slice(-1).map((group) => insertPostings(ctx, part.id, first, group));
  await commitProgress(ctx, [check(), ...last, counted]);
  part.analyzed_count = analyzed_count;
}

async function* chunksOf({ db }: Ctx, part: Part, first: number): AsyncGenerator<AnalyzedChunk> {
  const { position, text, heading, table_header, part_id } = knowledgeChunks;
  for (let from = first; from < part.chunk_count; from += chunksPerRead) {
    yield* await db
      .select({ position, text, heading, table_header })
      .from(knowledgeChunks)
      .where(and(eq(part_id, part.id), gte(position, from)))
      .orderBy(asc(position))
      .limit(chunksPerRead);
  }
}

type PostingsRows = ReturnType<PostingsBlock["rows"]> extends Generator<infer Rows> ? Rows : never;

function insertPostings({ db }: Ctx, partId: number, first: number, rows: PostingsRows): Statement {
  return db.execute(sql`
    insert into ${knowledgePostings} (part_id, term, block, chunk_count, postings)
    select ${partId}, r.term, ${first}, cardinality(r.postings), r.postings
    from json_to_recordset(${JSON.stringify(rows)}::json) as r(term text, postings bigint[])
    on conflict (part_id, term, block) do update set chunk_count = excluded.chunk_count, postings = excluded.postings`);
}

import { and, eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, commitOnce, commitProgress } from "../../kit/db/commit.ts";
import { constraintOf, toAppError } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { analyzerVersion } from "../../kit/text/analyzer.ts";
import { hasErrorFlag } from "../../kit/socket/call-object.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import { ProviderError } from "../../models/gateway/errors.ts";
import { insertNotification } from "../../notifications/service.ts";
import { indexKnowledgeBase } from "../job-definitions.ts";
import { activateBuild, lockBase } from "./build-statements.ts";
import { batchesOf, chunkRows, type Batch } from "./chunk-batches.ts";
import { readBuildState, stillBuilding, type BuildState, type Part } from "./build-state.ts";
import { deleteParts, failStatements } from "./fail-build.ts";
import { openEmbedder, type Embedder } from "./embedder.ts";
import { maxChunks } from "../constants.ts";
import { ownKnowledgeBase } from "../queries.ts";
import { datasetLockName, type DatasetSource } from "./start-build.ts";
import { knowledgeBases, knowledgeBuilds, knowledgeChunks, knowledgeParts } from "../tables.ts";
import { blockLimits, writePostings, type BlockLimits } from "./write-postings.ts";

/** The limits of one job before it enqueues the next: the time in ms and the number of chunks. */
type SliceLimits = { ms: number; chunks: number; block?: BlockLimits };

const slice: SliceLimits = { ms: 120_000, chunks: 5_000 };

/** The number of consecutive provider failures after which a build fails. */
const maxFailures = 5;

/**
 * Resumes a build: reads rows, chunks and embeds them, and commits each batch of chunks together with the progress. Then it writes the
 * postings of the chunks. A slice ends by
 * enqueuing the next job; the last slice activates the build. A duplicate job or a killed consumer repeats no work, because each
 * commit checks the progress that it started from.
 * @throws errors that a retry can fix. Any other error marks the build as failed; the active build stays.
 */
export async function resumeBuild(
  ctx: Ctx,
  { build_id }: { build_id: number },
  datasets: DatasetSource,
  { limits = slice, open = openEmbedder } = {},
): Promise<void> {
  const state = await readBuildState(ctx, build_id);
  if (state === undefined) return;
  const embedder = await openOrSettle(ctx, state, datasets, open);
  if (embedder === undefined) return;
  try {
    if (await indexParts(ctx, state, embedder, datasets, limits)) await complete(ctx, state, datasets);
    else await commitOnce(ctx, [stillBuilding(ctx, state), enqueueJob(ctx, indexKnowledgeBase, { build_id }, state.user_id)]);
  } catch (error) {
    await settle(ctx, state, datasets, embedder, error);
  }
}

async function openOrSettle(
  ctx: Ctx,
  state: BuildState,
  datasets: DatasetSource,
  open: typeof openEmbedder,
): Promise<Embedder | undefined> {
  try {
    return await open(ctx, state);
  } catch (error) {
    await settle(ctx, state, datasets, undefined, error);
    return undefined;
  }
}

/** Indexes the remaining parts. @returns true if all parts are complete, false if the slice is over */
async function indexParts(
  ctx: Ctx,
  state: BuildState,
  embedder: Embedder,
  { readRows }: DatasetSource,
  limits: SliceLimits,
): Promise<boolean> {
  const end = performance.now() + limits.ms;
  let chunkCount = 0;
  for (const part of state.parts) {
    for await (const batch of batchesOf(readRows(ctx, part.dataset_id, { after: part.last_row }), part)) {
      if (chunkCount >= limits.chunks || performance.now() >= end) return false;
      if (state.chunk_count + batch.chunks.length > maxChunks) {
        throw new AppError("payload_too_large", `The knowledge base would exceed ${maxChunks} chunks. Index fewer datasets.`);
      }
      await storeBatch(ctx, state, part, batch, embedder);
      chunkCount += batch.chunks.length;
    }
    if (!(await writePostings(ctx, state, part, end, limits.block ?? blockLimits))) return false;
    await commitProgress(ctx, [
      stillBuilding(ctx, state),
      ctx.db
        .update(knowledgeParts)
        .set({ completed_at: sql`now()`, analyzer_version: analyzerVersion })
        .where(eq(knowledgeParts.id, part.id)),
    ]);
  }
  return true;
}

/** Embeds the chunks of a batch that have no reusable vector, and commits the chunks with the progress of the part. */
async function storeBatch(ctx: Ctx, state: BuildState, part: Part, batch: Batch, embedder: Embedder): Promise<void> {
  const { db } = ctx;
  const known = await knownContents(ctx, state, batch);
  const isKnown = ({ content_hash }: { content_hash: string }) => known.has(content_hash);
  const fresh = new Map(
    batch.chunks.filter((chunk) => !isKnown(chunk)).map(({ content_hash, embedded }) => [content_hash, embedded]),
  );
  const vectors = await embedder.embed(Array.from(fresh.values()));
  const dimensions = (state.dimensions ??= vectors[0]?.length ?? null);
  const vectorOf = new Map(Array.from(fresh.keys(), (hash, index) => [hash, vectors[index]!]));
  const rows = chunkRows(batch, part.chunk_count, vectorOf);
  const ownPart = eq(knowledgeParts.id, part.id);
  const pins = [
    db
      .update(knowledgeBases)
      .set({ dimensions })
      .where(and(ownKnowledgeBase(state.user_id, state.base_id), sql`${knowledgeBases.dimensions} is null`)),
    db
      .update(knowledgeParts)
      .set({ dimensions })
      .where(and(ownPart, sql`${knowledgeParts.dimensions} is null`)),
  ];
  const inserted = db.execute(sql`
    insert into ${knowledgeChunks} (part_id, position, text, heading, table_header, source, start, "end", kind, fields, content_hash, dimensions, embedding)
    select ${part.id}, r.position, r.text, r.heading, r.table_header, r.source, r.start, r."end", r.kind, r.fields, r.content_hash, ${dimensions}::int,
      coalesce(r.embedding::vector, (
        select c.embedding from ${knowledgeChunks} c
        where c.part_id = any (${activeParts(state)}) and c.content_hash = r.content_hash limit 1))
    from json_to_recordset(${JSON.stringify(rows)}::json) as r(position int, text text, heading text, table_header text, source text, start int, "end" int,
      kind text, fields jsonb, content_hash text, embedding text)`);
  const counted = {
    last_row: batch.lastRow,
    chunk_count: part.chunk_count + rows.length,
    reused_count: sql`${knowledgeParts.reused_count} + ${batch.chunks.filter(isKnown).length}`,
  };
  const isNext = sql`(select ${knowledgeParts.last_row} from ${knowledgeParts} where ${ownPart}) = ${part.last_row}`;
  await commitProgress(ctx, [
    lockBase(ctx, ownKnowledgeBase(state.user_id, state.base_id)),
    stillBuilding(ctx, state, { knowledge_part_moved: isNext }),
    ...(rows.length === 0 ? [] : [...pins, inserted]),
    db.update(knowledgeParts).set(counted).where(ownPart),
    ...(state.failures === 0
      ? []
      : [db.update(knowledgeBuilds).set({ failures: 0 }).where(eq(knowledgeBuilds.id, state.build_id))]),
    ...embedder.usage(),
  ]);
  Object.assign(part, { last_row: batch.lastRow, chunk_count: counted.chunk_count });
  state.chunk_count += rows.length;
  state.failures = 0;
}

const activeParts = ({ active_parts }: BuildState): SQL => sql`${`{${active_parts.join(",")}}`}::int[]`;

/** Returns the content hashes of a batch whose vectors can be reused from the active build. */
async function knownContents({ db }: Ctx, state: BuildState, { chunks }: Batch): Promise<Set<string>> {
  if (state.update_strategy !== "smart_replace" || state.active_parts.length === 0) return new Set();
  const hashes = JSON.stringify(chunks.map(({ content_hash }) => content_hash));
  const { rows } = await db.execute<{ content_hash: string }>(sql`
    select distinct content_hash from ${knowledgeChunks} c
    where c.part_id = any (${activeParts(state)}) and content_hash in (select json_array_elements_text(${hashes}::json))`);
  return new Set(rows.map(({ content_hash }) => content_hash));
}

async function complete(ctx: Ctx, state: BuildState, { unlock }: DatasetSource): Promise<void> {
  const { base_id, base_name, build_id, user_id, chunk_count } = state;
  const done = { status: "complete" as const, finished_at: sql`now()` };
  await commitOnce(ctx, [
    lockBase(ctx, ownKnowledgeBase(user_id, base_id)),
    stillBuilding(ctx, state),
    ctx.db.update(knowledgeBuilds).set(done).where(eq(knowledgeBuilds.id, build_id)),
    ...activateBuild(ctx, user_id, base_id, build_id),
    unlock(ctx, datasetLockName(base_id)),
    insertNotification(ctx, user_id, {
      kind: "knowledge_indexed",
      title: `Indexing of ${base_name} is complete`,
      body: `The knowledge base has ${chunk_count} chunks.`,
      data: { knowledge_base_id: base_id },
      reference: `knowledge-build:${build_id}`,
    }),
  ]);
}

/** Handles an error of a build: retries it if that can help, otherwise marks the build as failed. @throws errors that a retry can fix */
async function settle(
  ctx: Ctx,
  state: BuildState,
  datasets: DatasetSource,
  embedder: Embedder | undefined,
  error: unknown,
): Promise<void> {
  const constraint = constraintOf(error);
  if (constraint === "knowledge_build_over") return;
  // A killed consumer or a brief outage of the database does not fail the build.
  if (constraint === "job_done" || hasErrorFlag(error, "retryable")) throw error;
  // The other delivery continues. If it dies, the retry of this one continues.
  if (constraint === "knowledge_part_moved")
    throw Object.assign(new Error("Another delivery of this job is running."), { retryable: true });
  const failure = toAppError(error, ctx.constraintErrors);
  const usage = embedder?.usage() ?? [];
  const isProviders = error instanceof ProviderError;
  if (failure?.retryable === true && !(isProviders && state.failures + 1 >= maxFailures)) {
    if (isProviders) {
      const failures = sql`${knowledgeBuilds.failures} + 1`;
      await commit(ctx, [
        ctx.db.update(knowledgeBuilds).set({ failures }).where(eq(knowledgeBuilds.id, state.build_id)),
        ...usage,
      ]);
    }
    throw error;
  }
  if (failure !== undefined) {
    await commitOnce(ctx, [...failStatements(ctx, state, datasets, failure.message), ...deleteParts(ctx, state), ...usage]);
    return;
  }
  // The job is given up, which marks the build as failed.
  const [first, ...others] = usage;
  if (first !== undefined) await commit(ctx, [first, ...others]);
  throw error;
}

import { sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import { enqueueJobWithSql } from "../../kit/queue/outbox.ts";
import type { ReadRows } from "./chunk-batches.ts";
import { indexKnowledgeBase } from "../job-definitions.ts";
import { buildRow, hasNoRunningBuild, baseExists, copyActiveParts, lockBase, newBuild } from "./build-statements.ts";
import { maxDatasets } from "../constants.ts";
import { ownKnowledgeBase, selectBases, type BaseRow } from "../queries.ts";
import type { IndexBody } from "../schemas.ts";
import { knowledgeBases, knowledgeBuildParts, knowledgeParts } from "../tables.ts";

/** The operations on datasets that a build needs. */
export type DatasetSource = {
  readRows: ReadRows;
  /** A query that returns `id` and `name` of the given datasets that are ready and readable by the user. */
  readable(userId: number, ids: readonly number[]): SQL;
  /** Returns the statement that protects datasets from deletion while `usedBy` uses them. */
  lock(ctx: Ctx, ids: readonly number[], usedBy: SQL): Statement;
  /** Returns the statement that removes the protection. */
  unlock(ctx: Ctx, usedBy: SQL): Statement;
};

/** The lock name of a build. One name per knowledge base is enough, because it has one running build at most. */
export const datasetLockName = (baseId: number | SQL): SQL<string> => sql<string>`'knowledge-base:' || ${baseId}::int`;

/**
 * Starts a build of a knowledge base from datasets. Searches use the active build until the new one is complete. One round trip.
 * @throws not_found; conflict while a build is running, or for too many datasets; validation_failed for missing datasets
 */
export async function startBuild(
  ctx: Ctx,
  userId: number,
  baseId: number,
  { dataset_ids, update_strategy, ...settings }: IndexBody,
  datasets: DatasetSource,
): Promise<BaseRow> {
  const ownBase = ownKnowledgeBase(userId, baseId);
  const wanted = sql`(${datasets.readable(userId, dataset_ids)})`;
  const appends = update_strategy === "append";
  const lacking = appends ? sql`d.id not in (${activeDatasets(baseId)})` : sql`true`;
  const keptCount = appends
    ? sql`(select count(*) from (${activeDatasets(baseId)}) a where a.dataset_id not in (${ids(dataset_ids)}))`
    : sql`0`;
  const { strategy, chunk_size, chunk_overlap } = settings;
  const added = ctx.db.execute(sql`
    with made as (
      insert into ${knowledgeParts} (knowledge_base_id, dataset_id, name, strategy, chunk_size, chunk_overlap)
      select ${baseId}, d.id, d.name, ${strategy}, ${chunk_size}::int, ${chunk_overlap}::int from ${wanted} d
      where ${lacking} order by array_position(array[${ids(dataset_ids)}], d.id)
      returning id
    )
    insert into ${knowledgeBuildParts} (build_id, part_id, position)
    select ${newBuild}, id, (select coalesce(max(position), 0) from ${knowledgeBuildParts} where build_id = ${newBuild})
      + row_number() over (order by id) from made`);
  const results = await commit(ctx, [
    lockBase(ctx, ownBase),
    assertAllInTransaction(ctx.db, {
      knowledge_base_not_found: baseExists(ownBase),
      knowledge_base_busy: hasNoRunningBuild(baseId),
      knowledge_dataset_unknown: sql`(select count(*) from ${wanted} d) = ${dataset_ids.length}`,
      knowledge_base_full: sql`${keptCount} + ${dataset_ids.length} <= ${maxDatasets}`,
    }),
    buildRow(ctx, { knowledge_base_id: baseId, update_strategy }),
    ...(appends ? [copyActiveParts(ctx, baseId)] : []),
    added,
    datasets.lock(ctx, dataset_ids, datasetLockName(baseId)),
    enqueueJobWithSql(ctx, indexKnowledgeBase, sql`jsonb_build_object('build_id', ${newBuild})`, userId),
    selectBases(ctx, userId, ownBase),
  ]);
  return (results.at(-1) as BaseRow[])[0]!;
}

const ids = (numbers: readonly number[]): SQL =>
  sql.join(
    numbers.map((number) => sql`${number}::int`),
    sql`, `,
  );

const activeDatasets = (baseId: number): SQL => sql`
  select p.dataset_id from ${knowledgeBases} b join ${knowledgeBuildParts} bp on bp.build_id = b.active_build_id
    join ${knowledgeParts} p on p.id = bp.part_id where b.id = ${baseId}`;

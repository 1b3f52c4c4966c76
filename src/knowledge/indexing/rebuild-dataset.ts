import { sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { assertAllInTransaction, commit } from "../../kit/db/commit.ts";
import { constraintOf } from "../../kit/db/errors.ts";
import { enqueueJobWithSql } from "../../kit/queue/outbox.ts";
import { indexKnowledgeBase } from "../job-definitions.ts";
import { ownKnowledgeBase } from "../queries.ts";
import { knowledgeBases, knowledgeBuildParts, knowledgeParts } from "../tables.ts";
import { baseExists, buildRow, copyActiveParts, hasNoRunningBuild, lockBase, newBuild } from "./build-statements.ts";
import { datasetLockName, type DatasetSource } from "./start-build.ts";

/** A dataset whose rows changed, its owner, and when. */
type ChangedDataset = { dataset_id: number; user_id: number; changed_at: string };

/**
 * Starts a build of each knowledge base of a user whose active build holds a dataset: it keeps the other parts, reads the dataset anew with
 * the settings of its part, and reuses the vectors of unchanged texts. A base that was built after the change is left alone.
 * @throws a retryable error while another build of a base is running
 */
export async function rebuildBasesOf(ctx: Ctx, dataset: ChangedDataset, source: DatasetSource): Promise<void> {
  const { rows } = await ctx.db.execute<{ id: number; part_id: number }>(sql`
    select b.id, p.id as part_id from ${knowledgeBases} b join ${knowledgeBuildParts} bp on bp.build_id = b.active_build_id
      join ${knowledgeParts} p on p.id = bp.part_id
    where b.user_id = ${dataset.user_id} and p.dataset_id = ${dataset.dataset_id} and p.created_at < ${dataset.changed_at}::timestamptz
    order by b.id`);
  let isBusy = false;
  for (const { id, part_id } of rows) {
    try {
      await rebuild(ctx, dataset, id, part_id, source);
    } catch (error) {
      const constraint = constraintOf(error);
      if (constraint === "knowledge_base_busy") isBusy = true;
      // The base or the dataset was deleted, or the dataset cannot be used any more.
      else if (constraint !== "knowledge_base_not_found" && constraint !== "knowledge_dataset_unknown") throw error;
    }
  }
  if (isBusy) throw Object.assign(new Error("A build of a knowledge base is running."), { retryable: true });
}

async function rebuild(
  ctx: Ctx,
  { dataset_id, user_id }: ChangedDataset,
  baseId: number,
  partId: number,
  datasets: DatasetSource,
): Promise<void> {
  const ownBase = ownKnowledgeBase(user_id, baseId);
  const old = sql`(select * from ${knowledgeParts} where id = ${partId})`;
  await commit(ctx, [
    lockBase(ctx, ownBase),
    assertAllInTransaction(ctx.db, {
      knowledge_base_not_found: sql`${baseExists(ownBase)} and exists (
        select from ${knowledgeBases} b join ${knowledgeBuildParts} bp on bp.build_id = b.active_build_id
        where b.id = ${baseId} and bp.part_id = ${partId})`,
      knowledge_base_busy: hasNoRunningBuild(baseId),
      knowledge_dataset_unknown: sql`exists (${datasets.readable(user_id, [dataset_id])})`,
    }),
    buildRow(ctx, { knowledge_base_id: baseId, update_strategy: "smart_replace" }),
    copyActiveParts(ctx, baseId, sql`p.id = ${partId}`),
    ctx.db.execute(sql`
      with made as (
        insert into ${knowledgeParts} (knowledge_base_id, dataset_id, name, strategy, chunk_size, chunk_overlap)
        select ${baseId}, o.dataset_id, o.name, o.strategy, o.chunk_size, o.chunk_overlap from ${old} o returning id)
      insert into ${knowledgeBuildParts} (build_id, part_id, position)
      select ${newBuild}, id, (select coalesce(max(position), 0) + 1 from ${knowledgeBuildParts} where build_id = ${newBuild}) from made`),
    datasets.lock(ctx, [dataset_id], datasetLockName(baseId)),
    enqueueJobWithSql(ctx, indexKnowledgeBase, sql`jsonb_build_object('build_id', ${newBuild})`, user_id),
  ]);
}

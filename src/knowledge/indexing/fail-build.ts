import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import { constraintError } from "../../kit/errors.ts";
import type { GiveUpReason } from "../../kit/queue/handler.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import { insertNotification } from "../../notifications/service.ts";
import { constraintErrors } from "../errors.ts";
import { sweepKnowledgeBase } from "../job-definitions.ts";
import { ownKnowledgeBase } from "../queries.ts";
import { knowledgeBuildParts, knowledgeBuilds } from "../tables.ts";
import { readBuildState, stillBuilding, type BuildState } from "./build-state.ts";
import { hasNoRunningBuild, lockBase } from "./build-statements.ts";
import { datasetLockName, type DatasetSource } from "./start-build.ts";

/** The statements that mark a build as failed. Its parts stay. */
export function failStatements(
  ctx: Ctx,
  state: BuildState,
  { unlock }: DatasetSource,
  error: string,
): [Statement, ...Statement[]] {
  const { base_id, base_name, build_id, user_id } = state;
  const over = { status: "failed" as const, error, finished_at: sql`now()` };
  return [
    lockBase(ctx, ownKnowledgeBase(user_id, base_id)),
    stillBuilding(ctx, state),
    ctx.db.update(knowledgeBuilds).set(over).where(eq(knowledgeBuilds.id, build_id)),
    unlock(ctx, datasetLockName(base_id)),
    insertNotification(ctx, user_id, {
      kind: "knowledge_failed",
      title: `Indexing of ${base_name} failed`,
      body: error,
      data: { knowledge_base_id: base_id },
      reference: `knowledge-build:${build_id}:failed`,
    }),
  ];
}

/** The statements that remove the parts of a failed build. Then it cannot be replayed. */
export function deleteParts(ctx: Ctx, { build_id, base_id, user_id }: BuildState): Statement[] {
  return [
    ctx.db.delete(knowledgeBuildParts).where(eq(knowledgeBuildParts.build_id, build_id)),
    enqueueJob(ctx, sweepKnowledgeBase, { knowledge_base_id: base_id }, user_id),
  ];
}

type Payload = { build_id: number };

/** The statements that mark a build as failed because its job was given up. It keeps its parts for a replay. */
export async function giveUpBuild(
  ctx: Ctx,
  { build_id }: Payload,
  reason: GiveUpReason,
  datasets: DatasetSource,
): Promise<Statement[]> {
  const state = await readBuildState(ctx, build_id);
  return state === undefined ? [] : failStatements(ctx, state, datasets, whyGivenUp(reason));
}

function whyGivenUp({ code, requestId }: GiveUpReason): string {
  if (code === "consumer_lost")
    return "The build was stopped twice in a row without progress: a dataset needs too much time or memory. Index fewer or smaller datasets.";
  if (code === "attempts_exhausted") return "The build failed after the maximum number of attempts. Start it again.";
  return `An internal error occurred. Report this request ID: ${requestId}.`;
}

/**
 * The statements that reopen a failed build for the replay of its job. It continues where it was.
 * @throws conflict if a newer build replaced it, or if its parts or datasets are gone
 */
export async function reopenBuild(ctx: Ctx, { build_id }: Payload, datasets: DatasetSource): Promise<Statement[]> {
  const state = await readBuildState(ctx, build_id, "failed");
  if (state === undefined) {
    if ((await readBuildState(ctx, build_id)) !== undefined) return [];
    throw constraintError(constraintErrors.knowledge_build_not_resumable, undefined);
  }
  const { base_id, user_id } = state;
  const datasetIds = Array.from(new Set(state.parts.map(({ dataset_id }) => dataset_id)));
  const isNewest = sql`not exists (
    select from ${knowledgeBuilds} d where d.knowledge_base_id = ${base_id} and d.id > ${build_id})`;
  const hasParts = sql`exists (select from ${knowledgeBuildParts} where ${eq(knowledgeBuildParts.build_id, build_id)})`;
  const hasDatasets = sql`(select count(*) from (${datasets.readable(user_id, datasetIds)}) d) = ${datasetIds.length}`;
  const reopened = { status: "building" as const, error: null, finished_at: null, failures: 0 };
  return [
    lockBase(ctx, ownKnowledgeBase(user_id, base_id)),
    assertAllInTransaction(ctx.db, {
      knowledge_base_busy: hasNoRunningBuild(base_id),
      knowledge_build_not_resumable: sql`${isNewest} and ${hasParts} and ${datasetIds.length === 0 ? sql`true` : hasDatasets}`,
    }),
    ctx.db.update(knowledgeBuilds).set(reopened).where(eq(knowledgeBuilds.id, build_id)),
    ...(datasetIds.length === 0 ? [] : [datasets.lock(ctx, datasetIds, datasetLockName(base_id))]),
  ];
}

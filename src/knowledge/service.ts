import { and, eq, lt, sql, type SQL } from "drizzle-orm";
import { users } from "../auth/tables.ts";
import type { Ctx } from "../context.ts";
import { commit, commitOnce, idOfNew, assertAllInTransaction, type Statement } from "../kit/db/commit.ts";
import { AppError } from "../kit/errors.ts";
import { paginate, type PageQueryOutput } from "../kit/http/zod-schemas.ts";
import { defaultModel } from "../models/providers/defaults.ts";
import { whereOwnModel as ownModel } from "../models/queries.ts";
import { externalModels } from "../models/tables.ts";
import {
  activateBuild,
  buildRow,
  hasNoRunningBuild,
  baseExists,
  copyActiveParts,
  lockBase,
  newBuild,
  deleteUnusedParts,
} from "./indexing/build-statements.ts";
import { readModelName } from "./model-usage.ts";
import { maxBases } from "./constants.ts";
import { ownKnowledgeBase, selectBases, type BaseRow } from "./queries.ts";
import type { BaseChange, NewBase } from "./schemas.ts";
import { datasetLockName, type DatasetSource } from "./indexing/start-build.ts";
import { knowledgeBases, knowledgeBuildParts, knowledgeParts } from "./tables.ts";

/** Lists a user's knowledge bases, newest first, with their total number. One round trip. */
export async function listBases(ctx: Ctx, userId: number, { limit, cursor }: PageQueryOutput) {
  const [rows, [count]] = await commit(ctx, [
    selectBases(ctx, userId, cursor === undefined ? undefined : lt(knowledgeBases.id, cursor))
      .orderBy(sql`${knowledgeBases.id} desc`)
      .limit(limit + 1),
    ctx.db
      .select({ total: sql<number>`count(*)::int` })
      .from(knowledgeBases)
      .where(eq(knowledgeBases.user_id, userId)),
  ]);
  return { ...paginate(rows, limit), total: count!.total };
}

/** Reads a knowledge base. One round trip. @throws not_found */
export async function getBase(ctx: Ctx, userId: number, baseId: number): Promise<BaseRow> {
  const [row] = await selectBases(ctx, userId, ownKnowledgeBase(userId, baseId));
  if (row === undefined) throw new AppError("not_found", "You have no knowledge base with this ID.");
  return row;
}

/** Creates a knowledge base; its embedding model is fixed. One round trip. @throws conflict; validation_failed if the model is not an embedding model */
export async function createBase(ctx: Ctx, userId: number, { embedding_model: model, ...fields }: NewBase): Promise<BaseRow> {
  const { columns, assertions } = await pinned(ctx, userId, model ?? defaultModel(ctx.env, "embedding"));
  const belowBaseLimit = sql`(select count(*) from ${knowledgeBases} where ${eq(knowledgeBases.user_id, userId)}) < ${maxBases}`;
  const newId = sql<number>`currval(pg_get_serial_sequence('knowledge_bases', 'id'))::int`;
  const results = await commitOnce(
    ctx,
    [
      ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update"),
      assertAllInTransaction(ctx.db, { knowledge_base_limit_reached: belowBaseLimit, ...assertions }),
      ctx.db.insert(knowledgeBases).values({ ...columnsOf(fields), ...columns, name: fields.name, user_id: userId }),
      selectBases(ctx, userId, ownKnowledgeBase(userId, newId)),
    ],
    idOfNew(knowledgeBases),
  );
  return results[3][0]!;
}

/** Returns the model columns of a row, and the assertions for a user's own model. @throws validation_failed */
async function pinned(ctx: Ctx, userId: number, embedding_model: string) {
  const named = await readModelName(ctx, embedding_model, { path: "embedding_model", kind: "embedding" });
  if (!("id" in named)) return { columns: { embedding_model }, assertions: {} };
  const { is_active, capabilities } = externalModels;
  const embeds = sql`exists (select from ${externalModels} where ${ownModel(userId, named.id)}
    and ${is_active} and 'embedding' = any(${capabilities}))`;
  return { columns: { embedding_model, external_model_id: named.id }, assertions: { embedding_model_unknown: embeds } };
}

/**
 * Updates a knowledge base. One round trip.
 * @param expectedVersion the version to update; any version if undefined
 * @throws precondition_failed, conflict, not_found
 */
export function changeBase(
  ctx: Ctx,
  userId: number,
  baseId: number,
  change: BaseChange,
  expectedVersion: number | undefined,
): Promise<BaseRow> {
  const ownBase = ownKnowledgeBase(userId, baseId);
  const isExpected = sql`(select ${knowledgeBases.version} from ${knowledgeBases} where ${ownBase}) = ${expectedVersion}`;
  const row = ctx.db
    .update(knowledgeBases)
    .set({ ...columnsOf(change), version: sql`${knowledgeBases.version} + 1`, updated_at: sql`now()` })
    .where(ownBase);
  return changed(ctx, userId, baseId, {
    assertions: expectedVersion === undefined ? {} : { version_changed: isExpected },
    rows: [row],
  });
}

/** Deletes a knowledge base with all its builds. Minions that use it lose it. One round trip. @throws not_found */
export async function deleteBase(
  ctx: Ctx,
  userId: number,
  baseId: number,
  { unlock }: Pick<DatasetSource, "unlock">,
): Promise<void> {
  const ownBase = ownKnowledgeBase(userId, baseId);
  await commit(ctx, [
    lockBase(ctx, ownBase),
    assertAllInTransaction(ctx.db, { knowledge_base_not_found: baseExists(ownBase) }),
    ctx.db.delete(knowledgeBases).where(ownBase),
    unlock(ctx, datasetLockName(baseId)),
  ]);
}

/** Removes a dataset by creating a build without it. One round trip. @throws not_found; conflict while a build is running */
export function removeDataset(ctx: Ctx, userId: number, baseId: number, datasetId: number): Promise<BaseRow> {
  const holds = sql`exists (
    select from ${knowledgeBases} b join ${knowledgeBuildParts} bp on bp.build_id = b.active_build_id
      join ${knowledgeParts} p on p.id = bp.part_id where b.id = ${baseId} and p.dataset_id = ${datasetId})`;
  return changed(ctx, userId, baseId, {
    assertions: { knowledge_base_busy: hasNoRunningBuild(baseId), knowledge_dataset_not_found: holds },
    rows: [
      buildRow(ctx, { knowledge_base_id: baseId, update_strategy: "replace", status: "complete" }),
      copyActiveParts(ctx, baseId, sql`p.dataset_id = ${datasetId}`),
      ...activateBuild(ctx, userId, baseId, newBuild),
    ],
  });
}

/** Swaps the active build and the previous build. One round trip. @throws not_found, conflict */
export function rollBack(ctx: Ctx, userId: number, baseId: number): Promise<BaseRow> {
  const ownBase = ownKnowledgeBase(userId, baseId);
  const { active_build_id, previous_build_id } = knowledgeBases;
  const row = ctx.db
    .update(knowledgeBases)
    .set({
      active_build_id: sql`${previous_build_id}`,
      previous_build_id: sql`${active_build_id}`,
      updated_at: sql`now()`,
    })
    .where(ownBase);
  const canReturn = sql`(select ${previous_build_id} from ${knowledgeBases} where ${ownBase}) is not null`;
  return changed(ctx, userId, baseId, {
    assertions: { knowledge_base_busy: hasNoRunningBuild(baseId), knowledge_build_missing: canReturn },
    rows: [row],
  });
}

/** Commits a change of one knowledge base and reads it. @throws not_found, and the codes of `assertions` */
async function changed(
  ctx: Ctx,
  userId: number,
  baseId: number,
  { assertions, rows }: { assertions: Record<string, SQL>; rows: readonly Statement[] },
): Promise<BaseRow> {
  const ownBase = ownKnowledgeBase(userId, baseId);
  const results = await commit(ctx, [
    lockBase(ctx, ownBase),
    assertAllInTransaction(ctx.db, { knowledge_base_not_found: baseExists(ownBase), ...assertions }),
    ...rows,
    selectBases(ctx, userId, and(ownBase)),
  ]);
  return (results.at(-1) as BaseRow[])[0]!;
}

/** Converts input to columns. Omitted fields keep their default or their value. */
function columnsOf(fields: { [K in keyof BaseChange]?: BaseChange[K] | undefined }) {
  return {
    ...(fields.name === undefined ? {} : { name: fields.name }),
    ...(fields.description === undefined ? {} : { description: fields.description }),
  };
}

/** Deletes the parts of a knowledge base that no build uses, in the commit of a job. */
export async function sweepBase(ctx: Ctx, baseId: number): Promise<void> {
  await commitOnce(ctx, [deleteUnusedParts(ctx, baseId)]);
}

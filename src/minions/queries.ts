import { and, eq, getTableColumns, isNull, sql, type SQL } from "drizzle-orm";
import { planLimit } from "../billing/service.ts";
import { spiritAccess } from "../billing/tables.ts";
import type { Ctx } from "../context.ts";
import { modelSummarySql } from "../models/queries.ts";
import { minionFallbacks, minions, minionSpirits } from "./tables.ts";
import { AppError } from "../kit/errors.ts";
import type { Catalog } from "../catalog/snapshot.ts";
import { commit, assertAllInTransaction, type Statement } from "../kit/db/commit.ts";
import { catalogOf } from "../catalog/service.ts";
import { invalidatingSettings } from "../notifications/hub-client.ts";
import { users } from "../auth/tables.ts";

/** An equipped spirit as the query returns it. */
export type EquippedRow = { spirit_id: number; position: number; experience: number; equipped_at: string };

/** The equipped spirits in order. The nested `sql` keeps the table names of the columns. */
const equipped = sql<EquippedRow[]>`(${sql`
  select coalesce(json_agg(json_build_object('spirit_id', ${minionSpirits.spirit_id}, 'position', ${minionSpirits.position},
    'experience', ${minionSpirits.experience}, 'equipped_at', ${minionSpirits.equipped_at}) order by ${minionSpirits.position}), '[]')
  from ${minionSpirits}
  where ${minionSpirits.minion_id} = ${minions.id} and ${minionSpirits.position} is not null`})`;

/** The fallback models of a minion, in order. */
const itsFallbacks = sql<string[]>`(${sql`
  select coalesce(json_agg(${minionFallbacks.model} order by ${minionFallbacks.position}), '[]')
  from ${minionFallbacks} where ${minionFallbacks.minion_id} = ${minions.id}`})`;

const itsModel = modelSummarySql(sql`${minions.external_model_id}`);

/** How many active spirits each minion of a user may have. */
export const slotsOf = (userId: number): SQL<number> => planLimit(userId, "max_spirits_per_minion");

/** The IDs of the spirits that a user may use now. */
const accessOf = (userId: number): SQL<number[]> =>
  sql<
    number[]
  >`(select coalesce(json_agg(distinct ${spiritAccess.spirit_id}), '[]') from ${spiritAccess} where ${eq(spiritAccess.user_id, userId)})`;

/** The columns of a user's minion: its row, its spirits, and what the owner's plan and purchases allow. */
export function minionColumns(userId: number) {
  return {
    ...getTableColumns(minions),
    fallback_models: itsFallbacks,
    external_model: itsModel,
    spirits: equipped,
    slots: slotsOf(userId),
    owned: accessOf(userId),
  };
}

/** Selects a user's minions that match a condition. */
export function selectMinions(ctx: Ctx, userId: number, condition: SQL | undefined) {
  return ctx.db
    .select(minionColumns(userId))
    .from(minions)
    .where(and(eq(minions.user_id, userId), condition));
}

export type MinionRow = Awaited<ReturnType<typeof selectMinions>>[number];

/** Matches one minion of a user that is not in the trash. */
export function ownMinion(userId: number, minionId: number | SQL): SQL {
  return and(eq(minions.user_id, userId), sql`${minions.id} = ${minionId}`, isNull(minions.deleted_at))!;
}

/** A minion and the catalog that its computed values need. */
export type MinionWithCatalog = { catalog: Catalog; row: MinionRow };

/** A minion of a user, also one in the trash. One round trip. @throws not_found */
export async function getMinion(ctx: Ctx, userId: number, minionId: number): Promise<MinionWithCatalog> {
  const [catalog, [row]] = await Promise.all([catalogOf(ctx), selectMinions(ctx, userId, eq(minions.id, minionId))]);
  if (row === undefined) throw new AppError("not_found", "Minion not found.");
  return { catalog, row };
}

/** The ID of a minion, or an SQL expression for one that the same commit creates. */
export type MinionId = number | SQL<number>;

/** Locks the owner, then the minion. The fixed order prevents deadlocks. Counts read after it stay valid until the commit ends. */
export function lockOwnerAndMinion(ctx: Ctx, userId: number, minionId?: MinionId): [Statement, ...Statement[]] {
  const owner = ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update");
  if (minionId === undefined) return [owner];
  const minion = ctx.db.select({ id: minions.id }).from(minions).where(ownMinion(userId, minionId)).for("no key update");
  return [owner, minion];
}

export const minionExists = (userId: number, minionId: MinionId): SQL =>
  sql`exists (select from ${minions} where ${ownMinion(userId, minionId)})`;

/** Updates a minion and increments its version. */
export function updateMinionStatement(
  ctx: Ctx,
  userId: number,
  minionId: MinionId,
  change: Partial<typeof minions.$inferInsert> = {},
): Statement {
  const edit = ctx.db
    .update(minions)
    .set({ ...change, version: sql`${minions.version} + 1`, updated_at: sql`now()` })
    .where(ownMinion(userId, minionId));
  return invalidatingSettings(ctx, userId, edit);
}

/** A commit that changes one minion and reads it. @throws not_found, and the errors of `unless` */
export async function commitMinionChange(
  ctx: Ctx,
  userId: number,
  minionId: number,
  { unless = {}, rows }: { unless?: Record<string, SQL>; rows: readonly Statement[] },
): Promise<MinionWithCatalog> {
  const catalog = await catalogOf(ctx);
  const results = await commit(ctx, [
    ...lockOwnerAndMinion(ctx, userId, minionId),
    assertAllInTransaction(ctx.db, { minion_not_found: minionExists(userId, minionId), ...unless }),
    ...rows,
    selectMinions(ctx, userId, ownMinion(userId, minionId)),
  ]);
  return { catalog, row: (results.at(-1) as MinionRow[])[0]! };
}

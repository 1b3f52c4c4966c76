import { and, eq, getTableColumns, isNull, sql, type SQL } from "drizzle-orm";
import { planLimit } from "../billing/service.ts";
import { spiritAccess } from "../billing/tables.ts";
import type { Ctx } from "../context.ts";
import { summarizeModel } from "../models/queries.ts";
import { minionFallbacks, minions, minionSpirits } from "./tables.ts";
import { AppError } from "../kit/errors.ts";
import type { Catalog } from "../catalog/snapshot.ts";
import { commit, assertAllInTransaction, type Statement } from "../kit/db/commit.ts";
import { catalogOf } from "../catalog/service.ts";
import { invalidatingSettings } from "../notifications/hub-client.ts";
import { users } from "../auth/tables.ts";

/** A spirit of a minion, as its row is read. */
export type EquippedRow = { spirit_id: number; position: number; experience: number; equipped_at: string };

/** The spirits that are equipped, in their order. Nested, so that the columns keep their tables' names wherever it is selected. */
const equipped = sql<EquippedRow[]>`(${sql`
  select coalesce(json_agg(json_build_object('spirit_id', ${minionSpirits.spirit_id}, 'position', ${minionSpirits.position},
    'experience', ${minionSpirits.experience}, 'equipped_at', ${minionSpirits.equipped_at}) order by ${minionSpirits.position}), '[]')
  from ${minionSpirits}
  where ${minionSpirits.minion_id} = ${minions.id} and ${minionSpirits.position} is not null`})`;

/** The models that stand in for a minion's own, in their order. */
const itsFallbacks = sql<string[]>`(${sql`
  select coalesce(json_agg(${minionFallbacks.model} order by ${minionFallbacks.position}), '[]')
  from ${minionFallbacks} where ${minionFallbacks.minion_id} = ${minions.id}`})`;

const itsModel = summarizeModel(sql`${minions.external_model_id}`);

/** How many spirits a user's minions may have at work. */
export const slotsOf = (userId: number): SQL<number> => planLimit(userId, "max_spirits_per_minion");

/** The numbers of the spirits that a user may use now. */
const accessOf = (userId: number): SQL<number[]> =>
  sql<
    number[]
  >`(select coalesce(json_agg(distinct ${spiritAccess.spirit_id}), '[]') from ${spiritAccess} where ${eq(spiritAccess.user_id, userId)})`;

/** What is read of a user's minion: its row, its spirits, and what its owner's plan and purchases allow them. */
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

/** The query of a user's minions that answer to a condition. */
export function selectMinions(ctx: Ctx, userId: number, condition: SQL | undefined) {
  return ctx.db
    .select(minionColumns(userId))
    .from(minions)
    .where(and(eq(minions.user_id, userId), condition));
}

export type MinionRow = Awaited<ReturnType<typeof selectMinions>>[number];

/** One minion of a user that is not in the bin. */
export function ownMinion(userId: number, minionId: number | SQL): SQL {
  return and(eq(minions.user_id, userId), sql`${minions.id} = ${minionId}`, isNull(minions.deleted_at))!;
}

/** A minion as it is now, with the catalog that its figures come from. */
export type MinionWithCatalog = { catalog: Catalog; row: MinionRow };

/** A minion of a user, in the bin or not. One round trip. @throws not_found */
export async function getMinion(ctx: Ctx, userId: number, minionId: number): Promise<MinionWithCatalog> {
  const [catalog, [row]] = await Promise.all([catalogOf(ctx), selectMinions(ctx, userId, eq(minions.id, minionId))]);
  if (row === undefined) throw new AppError("not_found", "Minion not found.");
  return { catalog, row };
}

/** A minion by its number, or by an expression that finds one which the same commit makes. */
export type MinionId = number | SQL<number>;

/** Locks the owner, then the minion: always in that order, so that nobody waits in a circle. What is counted after stays counted. */
export function lockOwnerAndMinion(ctx: Ctx, userId: number, minionId?: MinionId): [Statement, ...Statement[]] {
  const owner = ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update");
  if (minionId === undefined) return [owner];
  const minion = ctx.db.select({ id: minions.id }).from(minions).where(ownMinion(userId, minionId)).for("no key update");
  return [owner, minion];
}

export const minionExists = (userId: number, minionId: MinionId): SQL =>
  sql`exists (select from ${minions} where ${ownMinion(userId, minionId)})`;

/** Counts an edit of a minion. */
export function edited(
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

/** A commit that changes one minion and reads it. @throws not_found, and what is refused */
export async function changed(
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

import { and, eq, getTableColumns, isNull, sql, type SQL } from "drizzle-orm";
import { planFigure } from "../billing/service.ts";
import { spiritAccess } from "../billing/tables.ts";
import type { Ctx } from "../context.ts";
import { describedModel } from "../models/queries.ts";
import { minionFallbacks, minions, minionSpirits } from "./tables.ts";

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

const itsModel = describedModel(sql`${minions.external_model_id}`);

/** How many spirits a user's minions may have at work. */
export const slotsOf = (userId: number): SQL<number> => planFigure(userId, "max_spirits_per_minion");

/** The numbers of the spirits that a user may use now. */
export const accessOf = (userId: number): SQL<number[]> =>
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
export function itself(userId: number, minionId: number | SQL): SQL {
  return and(eq(minions.user_id, userId), sql`${minions.id} = ${minionId}`, isNull(minions.deleted_at))!;
}

import { and, eq, isNull, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import type { ExperienceGained } from "../hook-types.ts";
import { deletePictures } from "../kit/storage/avatars.ts";
import { forgetBoards } from "./progression/leaderboard.ts";
import { minionFallbacks, minions, minionSpirits, retiredExperience, spiritMastery, xpEvents } from "./tables.ts";

export { levelProgress as levelForExperience } from "./progression/rules.ts";
export { minionByToken } from "./tokens.ts";

/** What the minions on a model have gained together, those in the bin left out, as an expression for a query. */
export function modelExperience(modelId: SQL): SQL<ExperienceGained> {
  // Nested, so that the columns keep their tables' names.
  return sql<ExperienceGained>`(${sql`
    select json_build_object('training', coalesce(sum(${minions.total_training_xp}), 0)::int,
      'usage', coalesce(sum(${minions.total_usage_xp}), 0)::int)
    from ${minions} where ${and(sql`${minions.external_model_id} = ${modelId}`, isNull(minions.deleted_at))}`})`;
}

/** What is held of a user here. */
export function exportUser(ctx: Ctx, userId: number): Record<string, Statement> {
  const of = (table: typeof minionFallbacks | typeof minionSpirits | typeof spiritMastery | typeof xpEvents) =>
    ctx.db
      .select()
      .from(table)
      .where(sql`${table.minion_id} in (select id from ${minions} where ${eq(minions.user_id, userId)})`);
  return {
    minions: ctx.db.select().from(minions).where(eq(minions.user_id, userId)),
    minion_fallbacks: of(minionFallbacks),
    minion_spirits: of(minionSpirits),
    spirit_mastery: of(spiritMastery),
    xp_events: of(xpEvents),
    retired_experience: ctx.db.select().from(retiredExperience).where(eq(retiredExperience.user_id, userId)),
  };
}

/** Deletes pictures, boards that may show a minion's name, and minions before the models they are on; the other rows go with the user's. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await Promise.all([deletePictures(ctx.env.FILES, userId), forgetBoards(ctx)]);
  return [ctx.db.delete(minions).where(eq(minions.user_id, userId))];
}

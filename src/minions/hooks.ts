import { and, eq, isNull, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import type { ExperienceGained } from "../hook-types.ts";
import { deletePictures } from "../kit/storage/avatars.ts";
import { forgetBoards } from "./progression/leaderboard.ts";
import { minionFallbacks, minions, minionSpirits, retiredExperience, spiritMastery, xpEvents } from "./tables.ts";

export { levelProgress as levelForExperience } from "./progression/rules.ts";
export { deleteMinionTokens, minionByToken } from "./tokens.ts";

/** The SQL expression of the experience of all minions that use a model, without those in the trash. */
export function modelExperience(modelId: SQL): SQL<ExperienceGained> {
  // The nested `sql` keeps the table names of the columns.
  return sql<ExperienceGained>`(${sql`
    select json_build_object('training', coalesce(sum(${minions.total_training_xp}), 0)::int,
      'usage', coalesce(sum(${minions.total_usage_xp}), 0)::int)
    from ${minions} where ${and(sql`${minions.external_model_id} = ${modelId}`, isNull(minions.deleted_at))}`})`;
}

/** The data of a user in this feature. */
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

/** Deletes avatars, cached leaderboards, and minions before the models they use. The other rows cascade with the user. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await Promise.all([deletePictures(ctx.env.FILES, userId), forgetBoards(ctx)]);
  return [ctx.db.delete(minions).where(eq(minions.user_id, userId))];
}

import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db.ts";
import { deletePictures } from "./avatars.ts";
import { forgetBoards } from "./leaderboard.ts";
import { minions, minionSpirits, retiredExperience, spiritMastery, xpEvents } from "./tables.ts";

export { minionByToken } from "./tokens.ts";

/** What is held of a user here. */
export function exportUser(ctx: Ctx, userId: number): Record<string, Statement> {
  const of = (table: typeof minionSpirits | typeof spiritMastery | typeof xpEvents) =>
    ctx.db
      .select()
      .from(table)
      .where(sql`${table.minion_id} in (select id from ${minions} where ${eq(minions.user_id, userId)})`);
  return {
    minions: ctx.db.select().from(minions).where(eq(minions.user_id, userId)),
    minion_spirits: of(minionSpirits),
    spirit_mastery: of(spiritMastery),
    xp_events: of(xpEvents),
    retired_experience: ctx.db.select().from(retiredExperience).where(eq(retiredExperience.user_id, userId)),
  };
}

/** Deletes pictures, and boards that may show a minion's name; the rows go with the user's. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await Promise.all([deletePictures(ctx, userId), forgetBoards(ctx)]);
  return [];
}

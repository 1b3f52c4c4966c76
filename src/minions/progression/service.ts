import { eq, isNull, sql } from "drizzle-orm";
import { planLimit } from "../../billing/service.ts";
import { levelsPerRank, ranks } from "../../catalog/constants.ts";
import { isUnlocked } from "../../catalog/rules.ts";
import { catalogOf } from "../../catalog/service.ts";
import type { Catalog } from "../../catalog/snapshot.ts";
import type { Ctx } from "../../context.ts";
import { selectMinions } from "../queries.ts";
import type { ScoreOfMinion } from "./schemas.ts";
import { minions } from "../tables.ts";
import { levelThreshold, rankAndLevel, levelProgress } from "./rules.ts";
import { userExperience } from "./sql.ts";
import { scoreOfMinion } from "./views.ts";

/** The scores of a user's minions. One round trip. */
export async function listScores(ctx: Ctx, userId: number): Promise<ScoreOfMinion[]> {
  const rows = await selectMinions(ctx, userId, isNull(minions.deleted_at)).orderBy(minions.id);
  return rows.map(scoreOfMinion);
}

/** A user's level by the experience of their minions, and the next unlocks. One round trip. */
export async function getProgression(ctx: Ctx, userId: number) {
  const catalog = await catalogOf(ctx);
  const [row] = await ctx.db
    .select({
      experience: sql<number>`(${userExperience(userId)})`,
      minions: sql<number>`(${sql`select count(*)::int from ${minions} where ${eq(minions.user_id, userId)} and ${minions.deleted_at} is null`})`,
      max_minions: planLimit(userId, "max_minions"),
      max_spirits_per_minion: planLimit(userId, "max_spirits_per_minion"),
    })
    .from(sql`(select 1) as once`);
  return { ...row!, ...levelProgress(row!.experience), ...unlocksOf(catalog, row!.experience) };
}

/** The spirits that this experience unlocks, and the next unlocks. */
function unlocksOf({ spirits, classes }: Catalog, xp: number) {
  const { level } = levelProgress(xp);
  const things = [
    ...spirits.map((spirit) => ({ kind: "spirit" as const, ...spirit })),
    ...classes.map((item) => ({ kind: "class" as const, ...item, name: item.class_name })),
  ];
  const locked = things
    .filter((thing) => !isUnlocked(thing, ...rankAndLevel(level)))
    .map(({ kind, name, unlock_rank, unlock_level }) => {
      const at = levelThreshold(ranks.indexOf(unlock_rank) * levelsPerRank + unlock_level);
      return { kind, name, rank: unlock_rank, rank_level: unlock_level, xp_missing: at - xp };
    });
  return {
    unlocked_spirits: spirits.filter((spirit) => isUnlocked(spirit, ...rankAndLevel(level))).map(({ name }) => name),
    next_unlocks: locked.toSorted((a, b) => a.xp_missing - b.xp_missing),
  };
}

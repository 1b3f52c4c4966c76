import { eq, sql, type SQL } from "drizzle-orm";
import { levelsPerRank, ranks } from "../../catalog/constants.ts";
import { spirits } from "../../catalog/tables.ts";
import { levelThreshold, maxLevel } from "./rules.ts";
import { minions, retiredExperience } from "../tables.ts";

/** The rules of levels and ranks as SQL expressions. Levels run through all ranks, from 1 to 35. */

const numbers = (values: readonly number[]) => sql.raw(`array[${values.join(", ")}]`);

const thresholds = numbers(Array.from({ length: maxLevel }, (_, index) => levelThreshold(index + 1)));

/** The level of an amount of experience. */
export function levelSql(xp: SQL): SQL<number> {
  return sql<number>`width_bucket(${xp}, ${thresholds})`;
}

/** The place of a level's rank: 0 for Novice. */
export function rankIndexSql(level: SQL): SQL<number> {
  return sql<number>`((${level} - 1) / ${sql.raw(String(levelsPerRank))})`;
}

/** What a minion has gained, of every kind. */
export const minionExperience = sql<number>`(${minions.total_training_xp} + ${minions.total_usage_xp})`;

/** What a user's minions have gained together, those in the bin and those that are gone for good among them. */
export function userExperience(userId: number): SQL<number> {
  return sql<number>`(
    coalesce((select sum(${minionExperience}) from ${minions} where ${eq(minions.user_id, userId)}), 0)
    + coalesce((select ${retiredExperience.xp} from ${retiredExperience} where ${eq(retiredExperience.user_id, userId)}), 0))::int`;
}

const ranksInOrder = sql.raw(`array[${ranks.map((rank) => `'${rank}'`).join(", ")}]`);

/** The level of a user from which a spirit is unlocked, for a query that has the spirit at hand. */
export const unlockLevel = sql<number>`((array_position(${ranksInOrder}, ${spirits.unlock_rank}) - 1) * ${sql.raw(String(levelsPerRank))} + ${spirits.unlock_level})`;

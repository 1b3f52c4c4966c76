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

/** The index of a level's rank: 0 for Novice. */
export function rankIndexSql(level: SQL): SQL<number> {
  return sql<number>`((${level} - 1) / ${sql.raw(String(levelsPerRank))})`;
}

/** The total experience of a minion. */
export const minionExperience = sql<number>`(${minions.total_training_xp} + ${minions.total_usage_xp})`;

/** The experience of all minions of a user, including those in the trash and deleted ones. */
export function userExperience(userId: number): SQL<number> {
  return sql<number>`(
    coalesce((select sum(${minionExperience}) from ${minions} where ${eq(minions.user_id, userId)}), 0)
    + coalesce((select ${retiredExperience.xp} from ${retiredExperience} where ${eq(retiredExperience.user_id, userId)}), 0))::int`;
}

const ranksInOrder = sql.raw(`array[${ranks.map((rank) => `'${rank}'`).join(", ")}]`);

/** The user level that unlocks a spirit, for a query that joins the spirit. */
export const unlockLevel = sql<number>`((array_position(${ranksInOrder}, ${spirits.unlock_rank}) - 1) * ${sql.raw(String(levelsPerRank))} + ${spirits.unlock_level})`;

import type { Mastery } from "../constants.ts";

/** The highest level of a spirit. The catalog's `max_spirit_level` may be lower. */
export const maxSpiritLevel = 10;

/** Experience that a spirit gains for a successful tool run, a confirmed task and a resolved error. */
export const spiritGains = { tool_run: 10, confirmed_task: 25, resolved_error: 15 } as const;

const bonusPerLevel = 100;

/** Experience, bonuses included, at which a level is reached: 100·(n+1) from level n to n+1, so 0, 200, 500, 900 … 5,400. */
export function spiritThreshold(level: number): number {
  return 50 * (level - 1) * (level + 2);
}

/** The level of a minion's spirit. */
export type SpiritStanding = {
  /** 1–10. */
  spirit_level: number;
  /** The gains, and 100 for each level reached. */
  spirit_xp: number;
  /** Experience still missing, 0 at its last level. */
  xp_to_next_level: number;
  /** 25, 50, 75 or 100. */
  effectiveness_percent: number;
};

/**
 * A spirit's level by the plain sum of its gains (tool runs, tasks, errors), which is all that is stored.
 *
 * Reaching a level adds 100 once, after the level is reached: the bonus counts towards the next level and never towards
 * its own. So level n+1 is reached when the gains and the n−1 bonuses of levels 2 … n together reach its threshold. That
 * speaks of sums alone, so neither the order of the gains nor how they are split matters. A bonus of 100 is shorter than any
 * step after the first level, so it never reaches a level by itself.
 */
export function spiritStandingOf(gained: number, maxLevel = maxSpiritLevel): SpiritStanding {
  let spirit_level = 1;
  let spirit_xp = gained;
  while (spirit_level < maxLevel && spirit_xp >= spiritThreshold(spirit_level + 1)) {
    spirit_level += 1;
    spirit_xp += bonusPerLevel;
  }
  const xp_to_next_level = spirit_level < maxLevel ? spiritThreshold(spirit_level + 1) - spirit_xp : 0;
  return { spirit_level, spirit_xp, xp_to_next_level, effectiveness_percent: effectivenessPercent(spirit_level) };
}

/** The effectiveness of a spirit by level, in percent: 25 at levels 1–3, 50 at 4–6, 75 at 7–9, 100 at 10. */
export function effectivenessPercent(level: number): number {
  return 25 * Math.ceil(level / 3);
}

/** The tools that a spirit provides at a level: the first two of four, three from level 3, all from level 5. */
export function toolsAtLevel<Tool>(tools: readonly Tool[], level: number): Tool[] {
  if (level >= 5) return [...tools];
  return tools.slice(0, level >= 3 ? 3 : 2);
}

/** Mastery of a tool by number of uses: intermediate from 26, advanced from 101, expert from 501. */
export function masteryOf(uses: number): Mastery {
  if (uses < 26) return "beginner";
  if (uses < 101) return "intermediate";
  return uses < 501 ? "advanced" : "expert";
}

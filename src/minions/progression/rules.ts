import { levelsPerRank, ranks, type Rank } from "../../catalog/constants.ts";

/** Experience at which each rank begins. Tested against `seed/progression.json`. */
export const rankEntries = {
  Novice: 0,
  Skilled: 1_000,
  Specialist: 5_000,
  Expert: 15_000,
  Master: 35_000,
  Grandmaster: 70_000,
  Autonomous: 120_000,
} as const satisfies Record<Rank, number>;

/** The end of the last rank's span, which defines the length of its levels. */
const lastSpanEnd = 200_000;

/** The last level: seven ranks of five. */
export const maxLevel = ranks.length * levelsPerRank;

/** The level and rank of an amount of experience. */
export type LevelProgress = {
  /** 1–35. */
  level: number;
  rank: Rank;
  /** Level within the rank, 1–5. */
  rank_level: number;
  /** Experience still missing, 0 at the last level. */
  xp_to_next_level: number;
  /** Progress from this level's threshold to the next, 0–100, rounded down to a tenth. Only the last level has 100. */
  xp_progress_percentage: number;
};

/** Five equal levels divide the span of each rank: 200, 800, 2,000, 4,000, 7,000, 10,000 and 16,000 experience long. */
function spanOf(rank: Rank): { entry: number; levelLength: number } {
  const following = ranks[ranks.indexOf(rank) + 1];
  const entry = rankEntries[rank];
  const end = following === undefined ? lastSpanEnd : rankEntries[following];
  return { entry, levelLength: (end - entry) / levelsPerRank };
}

/** Least experience of a level. @throws RangeError unless the level is 1–35 */
export function levelThreshold(level: number): number {
  const rank = ranks[Math.floor((level - 1) / levelsPerRank)];
  if (rank === undefined) throw new RangeError(`Level ${level} does not exist.`);
  const { entry, levelLength } = spanOf(rank);
  return entry + ((level - 1) % levelsPerRank) * levelLength;
}

/** A level, 1–35, as the rank and the level within it that the catalog uses. */
export const rankAndLevel = (level: number) =>
  [ranks[Math.floor((level - 1) / levelsPerRank)]!, ((level - 1) % levelsPerRank) + 1] as const;

/** Level, rank and progress at an amount of experience (a non-negative integer). */
export function levelProgress(xp: number): LevelProgress {
  const rank = ranks.findLast((candidate) => rankEntries[candidate] <= xp) ?? ranks[0];
  const { entry, levelLength } = spanOf(rank);
  const rank_level = Math.min(levelsPerRank, Math.floor((xp - entry) / levelLength) + 1);
  const level = ranks.indexOf(rank) * levelsPerRank + rank_level;
  if (level === maxLevel) return { level, rank, rank_level, xp_to_next_level: 0, xp_progress_percentage: 100 };
  const done = xp - entry - (rank_level - 1) * levelLength;
  const xp_progress_percentage = Math.floor((1_000 * done) / levelLength) / 10;
  return { level, rank, rank_level, xp_to_next_level: levelLength - done, xp_progress_percentage };
}

/** Points that the owner earns for each level and each rank of a minion. */
export const pointsPerLevel = 5;
export const pointsPerRank = 100;

/** Points that the owner earns for a rise of experience: 5 for each level, and 100 for each rank. */
export function pointsFor(beforeXp: number, afterXp: number): number {
  const [before, after] = [levelProgress(beforeXp), levelProgress(Math.max(beforeXp, afterXp))];
  const ranksGained = ranks.indexOf(after.rank) - ranks.indexOf(before.rank);
  return (after.level - before.level) * pointsPerLevel + ranksGained * pointsPerRank;
}

/** Usage experience for a completed chat turn, a used retrieval, a successful tool run and a confirmed task. */
export const usageExperience = { chat_turn: 5, retrieval: 3, tool_run: 10, confirmed_task: 25 } as const;

/** Maximum usage experience of a minion per UTC day. */
export const dailyUsageCap = 500;

/** Experience by number of refined items: linear between these points, flat after the last. */
const trainingCurves = {
  rag: [
    [0, 0],
    [10, 20],
    [100, 200],
    [500, 750],
    [4_800, 1_400],
    [20_000, 2_600],
  ],
  lora: [
    [0, 0],
    [10, 25],
    [100, 250],
    [500, 800],
    [4_800, 1_500],
    [20_000, 2_800],
  ],
} as const;

/** Minimum validation scores, best first, and their bonuses. */
const validationBonuses = [
  [100, 200],
  [90, 150],
  [80, 100],
  [70, 50],
] as const;

export type TrainingOutcome = {
  kind: keyof typeof trainingCurves;
  /** Refined items that the minion was not trained on before. */
  items: number;
  /** 0–100, the quality score of the data. */
  quality: number;
  /** 0–100. */
  validation_score: number;
  /** Improvement in percent; negative if worse. */
  improvement_percent: number;
};

/** The experience for a training and its parts. The parts sum to the total. */
export type TrainingExperience = {
  items_xp: number;
  quality_xp: number;
  validation_xp: number;
  improvement_xp: number;
  total: number;
};

/**
 * Experience for a completed training: the curve of its items, up to a fifth of that again for their quality, up to 200
 * for validation and up to 50 for improvement. A training without new items earns nothing.
 */
export function trainingExperience(outcome: TrainingOutcome): TrainingExperience {
  const { kind, items, quality, validation_score, improvement_percent } = outcome;
  if (items <= 0) return { items_xp: 0, quality_xp: 0, validation_xp: 0, improvement_xp: 0, total: 0 };
  const items_xp = Math.round(interpolate(trainingCurves[kind], items));
  // quality/100 · 0.2, as one division: whole numbers stay exact
  const quality_xp = Math.floor((items_xp * quality) / 500);
  const validation_xp = validationBonuses.find(([score]) => validation_score >= score)?.[1] ?? 0;
  const improvement_xp = Math.min(50, Math.floor(Math.max(0, improvement_percent) / 2));
  const total = items_xp + quality_xp + validation_xp + improvement_xp;
  return { items_xp, quality_xp, validation_xp, improvement_xp, total };
}

/** Linear interpolation at `x` between points that are sorted by x. Beyond the last point: its value. */
function interpolate(points: readonly (readonly [x: number, y: number])[], x: number): number {
  const right = points.findIndex(([end]) => x <= end);
  if (right < 0) return points.at(-1)![1];
  const [x1, y1] = points[right]!;
  const [x0, y0] = points[right - 1]!;
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

import type { DropReason } from "./constants.ts";

/** What became of the rows of a dataset: how many were kept, how many dropped and why, and how many could not be read at all. */
export type RowCounts = Record<DropReason, number> & { kept: number; unreadable: number };

/**
 * How much of a dataset is of use, from 0 to 100: of all that it holds, the share that is kept, where what repeats something counts
 * half as bad as what is of no use at all.
 *
 *     100 × (1 − (unreadable + empty + malformed + too_long + ½ (duplicate + near_duplicate)) ÷ all), rounded down
 *
 * So 100 means that nothing was dropped. A dataset of nothing has 0.
 */
export function qualityScore(counts: RowCounts): number {
  const useless = counts.unreadable + counts.empty + counts.malformed + counts.too_long;
  const repeated = counts.duplicate + counts.near_duplicate;
  const all = counts.kept + useless + repeated;
  return all === 0 ? 0 : Math.floor((100 * (2 * counts.kept + repeated)) / (2 * all));
}

import type { DropReason } from "./constants.ts";

/** Counts of a dataset's rows: kept, dropped by reason, and unreadable. */
export type RowCounts = Record<DropReason, number> & { kept: number; unreadable: number };

/**
 * The quality score of a dataset, from 0 to 100: the share of kept rows, where a duplicate counts
 * half as bad as a useless row.
 *
 *     100 × (1 − (unreadable + empty + malformed + too_long + ½ (duplicate + near_duplicate)) ÷ all), rounded down
 *
 * 100 means that no row was dropped. An empty dataset has 0.
 */
export function qualityScore(counts: RowCounts): number {
  const useless = counts.unreadable + counts.empty + counts.malformed + counts.too_long;
  const repeated = counts.duplicate + counts.near_duplicate;
  const all = counts.kept + useless + repeated;
  return all === 0 ? 0 : Math.floor((100 * (2 * counts.kept + repeated)) / (2 * all));
}

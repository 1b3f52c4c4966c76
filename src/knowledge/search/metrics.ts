/** Retrieval metrics. Each compares the ranked IDs found for one question, best first, with the relevant IDs. */

/** The share of the relevant IDs that is among the first `k`. */
export function recallAt(k: number, ranked: readonly string[], relevant: readonly string[]): number {
  const top = new Set(ranked.slice(0, k));
  return relevant.filter((id) => top.has(id)).length / relevant.length;
}

/** The reciprocal rank of the first relevant ID, or 0 if none is among the first `k`. Its mean is MRR@k. */
export function reciprocalRankAt(k: number, ranked: readonly string[], relevant: readonly string[]): number {
  const index = ranked.slice(0, k).findIndex((id) => relevant.includes(id));
  return index < 0 ? 0 : 1 / (index + 1);
}

/**
 * Normalized discounted cumulative gain: the gain of a relevant ID is discounted by the logarithm of its rank, and the sum is divided
 * by that of the best order. All relevant IDs have the same gain. The discount starts at the second rank, as in Järvelin and
 * Kekäläinen (2002, https://doi.org/10.1145/582415.582418).
 */
export function ndcgAt(k: number, ranked: readonly string[], relevant: readonly string[]): number {
  const gain = (index: number) => 1 / Math.log2(index + 2);
  const dcg = ranked.slice(0, k).reduce((sum, id, index) => sum + (relevant.includes(id) ? gain(index) : 0), 0);
  const ideal = relevant.slice(0, k).reduce((sum, _, index) => sum + gain(index), 0);
  return dcg / ideal;
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

/** The percentile by the nearest-rank method, which always returns one of the numbers. */
export function percentile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!;
}

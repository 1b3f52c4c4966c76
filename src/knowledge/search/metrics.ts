/** How well something was found: each measure is of one question, of the identities found, best first, and of those that should be. */

/** The part of what should be found that is among the first `k`. */
export function recallAt(k: number, ranked: readonly string[], relevant: readonly string[]): number {
  const top = new Set(ranked.slice(0, k));
  return relevant.filter((id) => top.has(id)).length / relevant.length;
}

/** One by the place of the first that should be found, or 0 if it is not among the first `k`. Its mean is MRR@k. */
export function reciprocalRankAt(k: number, ranked: readonly string[], relevant: readonly string[]): number {
  const place = ranked.slice(0, k).findIndex((id) => relevant.includes(id));
  return place < 0 ? 0 : 1 / (place + 1);
}

/**
 * Normalised discounted cumulative gain: what is found counts the less the further down it stands, by the logarithm of its place, over
 * what the best order would count. Each that should be found counts the same. In the form of Järvelin and Kekäläinen (2002,
 * https://doi.org/10.1145/582415.582418) that discounts from the second place on.
 */
export function ndcgAt(k: number, ranked: readonly string[], relevant: readonly string[]): number {
  const gain = (place: number) => 1 / Math.log2(place + 2);
  const dcg = ranked.slice(0, k).reduce((sum, id, place) => sum + (relevant.includes(id) ? gain(place) : 0), 0);
  const ideal = relevant.slice(0, k).reduce((sum, _, place) => sum + gain(place), 0);
  return dcg / ideal;
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

/** The least of the numbers that this part of them does not exceed: the nearest rank, which is always one of them. */
export function percentile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!;
}

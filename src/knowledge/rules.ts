export function recallAt(k: number, ranked: readonly string[], relevant: readonly string[]): number {
  const top = new Set(ranked.slice(0, k));
  return relevant.filter((id) => top.has(id)).length / relevant.length;
}
export function reciprocalRankAt(k: number, ranked: readonly string[], relevant: readonly string[]): number {
  const place = ranked.slice(0, k).findIndex((id) => relevant.includes(id));
  return place < 0 ? 0 : 1 / (place + 1);
}
export function ndcgAt(k: number, ranked: readonly string[], relevant: readonly string[]): number {
  const gain = (place: number) => 1 / Math.log2(place + 2);
  const dcg = ranked.slice(0, k).reduce((sum, id, place) => sum + (relevant.includes(id) ? gain(place) : 0), 0);
  const ideal = relevant.slice(0, k).reduce((sum, _, place) => sum + gain(place), 0);
  return dcg / ideal;
}
export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}
export function percentile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!;
}

import type { Retrieved } from "./retrieve.ts";

/** The most white space between neighboring chunks, in UTF-16 units. Chunks omit only white space. */
const maxGap = 8;

/** The maximum length of a merged passage, in UTF-16 units. */
const maxLength = 6_000;

/**
 * Merges the passages of a section that are next to each other or overlap, so that a model reads them as one text. A merged passage
 * has the place and the score of its best one.
 */
export function mergeNeighbors(passages: readonly Retrieved[]): Retrieved[] {
  const merged: Retrieved[] = [];
  for (const passage of passages) {
    let current = passage;
    let place = merged.length;
    // A longer passage can be next to another one that the shorter was not.
    for (let index = 0; index < merged.length;) {
      const joined = join(merged[index]!, current);
      if (joined === undefined) {
        index += 1;
        continue;
      }
      merged.splice(index, 1);
      current = joined;
      place = Math.min(place, index);
      index = 0;
    }
    merged.splice(place, 0, current);
  }
  return merged;
}

/** Joins two passages if they are neighbors of one section. The first one has the better score. */
function join(better: Retrieved, other: Retrieved): Retrieved | undefined {
  if (better.dataset_id !== other.dataset_id || better.source !== other.source || better.heading !== other.heading)
    return undefined;
  const [first, second] = better.start <= other.start ? [better, other] : [other, better];
  const gap = second.start - first.end;
  const end = Math.max(first.end, second.end);
  if (gap > maxGap || end - first.start > maxLength) return undefined;
  const overlap = Math.max(0, -gap);
  // The texts of different versions of a source do not fit together.
  if (overlap > 0 && !fits(first.text, second.text, overlap)) return undefined;
  const text = second.end <= first.end ? first.text : first.text + (gap > 0 ? "\n" : "") + second.text.slice(overlap);
  return { ...better, text, start: first.start, end };
}

function fits(first: string, second: string, overlap: number): boolean {
  return overlap >= second.length ? first.includes(second) : first.endsWith(second.slice(0, overlap));
}

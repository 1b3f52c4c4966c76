import type { Retrieved } from "../../knowledge/search/retrieve.ts";
import type { Citation } from "../types.ts";

/** The passages that an answer cites as `[2]` or `[1, 3]`, in the order of their first citation. Unknown numbers are ignored. */
export function citationsIn(answer: string, passages: readonly Retrieved[]): Citation[] {
  const groups = Array.from(answer.matchAll(/\[(\d{1,2}(?:\s*[,;]\s*\d{1,2})*)\]/g), ([, group = ""]) => group);
  const numbers = new Set(groups.flatMap((group) => group.split(/[,;]/).map(Number)));
  return Array.from(numbers).flatMap((number) => {
    const passage = passages[number - 1];
    if (passage === undefined) return [];
    const { source, text, score, dataset_id, start, end } = passage;
    return [{ number, source, text, score, dataset_id, start, end }];
  });
}

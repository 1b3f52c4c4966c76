import type { Retrieved } from "../../src/knowledge/search/retrieve.ts";
import { mean, ndcgAt, recallAt, reciprocalRankAt } from "../../src/knowledge/search/metrics.ts";
import type { SetQuestion, Span } from "./sets/types.ts";

/** The retrieval metrics of some questions, each the mean over the questions. */
export type Figures = Record<"recall@1" | "recall@5" | "recall@10" | "MRR@10" | "nDCG@10", number>;

/** What is judged of a passage. */
type Found = Pick<Retrieved, "source" | "start" | "end">;

/** Judges the ranked passages of each question. A passage counts once for each document that answers. */
export function judge(results: readonly { question: SetQuestion; passages: readonly Found[] }[]): Figures {
  const ranked = results.map(({ question, passages }) => {
    const open = new Set(question.targets.keys());
    const labels = passages.map((passage, rank) => {
      const index = Array.from(open).find((each) => answers(passage, question, each));
      if (index === undefined) return `passage ${rank}`;
      open.delete(index);
      return `target ${index}`;
    });
    return { labels, wanted: question.targets.map((_, index) => `target ${index}`) };
  });
  const over = (measure: typeof recallAt, k: number) => mean(ranked.map(({ labels, wanted }) => measure(k, labels, wanted)));
  return {
    "recall@1": over(recallAt, 1),
    "recall@5": over(recallAt, 5),
    "recall@10": over(recallAt, 10),
    "MRR@10": over(reciprocalRankAt, 10),
    "nDCG@10": over(ndcgAt, 10),
  };
}

function answers(passage: Found, { targets }: SetQuestion, index: number): boolean {
  const { document, spans } = targets[index]!;
  return passage.source === document && spans.some((span) => isCovered(passage, span));
}

/** Checks that a part of a document shares at least half of itself, or half of the span, with the span. */
export function isCovered({ start, end }: Pick<Found, "start" | "end">, [from, to]: Span): boolean {
  const shared = Math.min(end, to) - Math.max(start, from);
  return shared >= Math.min(end - start, to - from) / 2;
}

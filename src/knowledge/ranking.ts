import type { Term } from "../kit/text/analyzer.ts";
import { builtinDefaults, localEmbedding } from "../models/providers/defaults.ts";

/** The numbers of the ranking of passages. They were chosen on the development split of `npm run bench -- retrieval`. */

/** BM25: how soon further occurrences of a term count less, and how far a long chunk is held against it. */
export const bm25 = { k1: 1.2, b: 0.75 };

/** How many occurrences in the text of a chunk one in its heading counts. */
export const headingWeight = 2;

/** The weight of a part of a code, and that of all grams of a word together. A word has 1. */
const partWeight = 0.5;
const gramWeight = 0.7;

/** The weight of a term of a query. */
export function termWeight(term: Term): number {
  if (term.kind === "gram") return gramWeight * term.share;
  return term.kind === "word" ? 1 : partWeight;
}

/** The number of terms that a search compares, the rarest first, and the number of postings that it reads for them. */
export const maxTerms = 32;
export const maxPostings = 200_000;

/**
 * The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009, https://doi.org/10.1145/1571941.1572114). They use 60 for
 * lists of a thousand. In lists of tens, 60 would rank average results of both lists above the best result of one.
 */
export const fusion = 10;

/** The weight of the vectors in hybrid retrieval, of 1. It is low for the built-in model, whose vectors compare letters; see the tests of recall. */
export const vectorShare = (embeddingModel: string) =>
  embeddingModel === builtinDefaults.embedding ? 0.05 : embeddingModel === localEmbedding ? 0.3 : 0.5;

/** The number of candidates per retriever. HNSW is approximate, so a larger pool misses fewer of the best. */
export const poolOf = (topK: number) => Math.max(60, 4 * topK);

import type { NumberedPassage } from "../../gateway/passage-block.ts";
import { sentencesOf, type Sentence } from "./sentences.ts";
import { fold, isFunctionWord, stem } from "./words.ts";

/** A verbatim quote of a passage. */
export type Quote = { passage: NumberedPassage; text: string; isTruncated: boolean };

/** The maximum number of quotes per answer. */
const maxQuotes = 5;

/** The maximum length of a quote, because code or a table without full stops would be quoted completely. */
const maxQuoteLength = 400;

/** The Okapi BM25 parameters for the saturation of word counts (k1) and the discount of long sentences (b). */
const bm25 = { k1: 1.2, b: 0.5 };

/** The share of its score that a sentence adds to the next one, which often continues it: “Open Settings. There, …”. */
const carriedOn = 0.5;

/** The weight of a heading as a quote. It is low, because the text after the heading is more useful. */
const headingWorth = 0.2;

/** The discount per rank of the passage, as ranked by the retriever. */
const rankDiscount = 0.1;

/** The minimum score of a quote, as a share of the best score. */
const worthQuoting = 0.45;

type Candidate = { passage: NumberedPassage; sentence: Sentence; terms: string[] };

/**
 * Selects the sentences that match a question best, in the order of the passages. They are ranked by Okapi BM25 with each sentence as
 * a document. Returns none if no sentence shares a word with the question.
 */
export function quotesFor(question: string, passages: readonly NumberedPassage[]): Quote[] {
  const queryTerms = new Set(
    termsOf(question)
      .filter((term) => !isFunctionWord(term))
      .map(stem),
  );
  const candidates = passages.flatMap((passage) =>
    sentencesOf(passage.text).map((sentence) => ({
      passage,
      sentence,
      terms: termsOf(passage.text.slice(sentence.start, sentence.end)),
    })),
  );
  const own = scores(queryTerms, candidates);
  const fits = candidates.map(({ passage, sentence }, at) => {
    const before = candidates[at - 1]?.passage === passage ? own[at - 1]! : 0;
    const fit = sentence.isHeading ? headingWorth * own[at]! : own[at]! + carriedOn * before;
    return fit / (1 + rankDiscount * (passage.number - 1));
  });
  const best = fits.reduce((high, fit) => Math.max(high, fit), 0);
  const seen = new Set<string>();
  return [...candidates.keys()]
    .filter((at) => fits[at]! > 0 && fits[at]! >= worthQuoting * best)
    .sort((a, b) => fits[b]! - fits[a]! || a - b)
    .filter((at) => {
      const key = candidates[at]!.terms.join(" ");
      return !seen.has(key) && seen.add(key);
    })
    .slice(0, maxQuotes)
    .sort((a, b) => a - b)
    .map((at) => quote(candidates[at]!.passage, candidates[at]!.sentence));
}

/** Quotes the first sentence of a passage. */
export function beginningOf(passage: NumberedPassage): Quote {
  const sentences = sentencesOf(passage.text);
  const first = sentences.find(({ isHeading }) => !isHeading) ?? sentences[0];
  return quote(passage, first ?? { start: 0, end: passage.text.length });
}

function quote(passage: NumberedPassage, { start, end }: Pick<Sentence, "start" | "end">): Quote {
  const whole = passage.text.slice(start, end);
  if (whole.length <= maxQuoteLength) return { passage, text: whole, isTruncated: false };
  const head = whole.slice(0, maxQuoteLength);
  const space = head.search(/\s\S*$/);
  return { passage, text: (space > 0 ? head.slice(0, space) : head).replace(/[\ud800-\udbff]$/, ""), isTruncated: true };
}

function termsOf(text: string): string[] {
  const words = new Intl.Segmenter("en", { granularity: "word" }).segment(fold(text));
  return Array.from(words).flatMap(({ segment, isWordLike }) => (isWordLike === true ? [segment] : []));
}

function scores(queryTerms: ReadonlySet<string>, candidates: readonly Candidate[]): number[] {
  const stems = candidates.map(({ terms }) => terms.map(stem));
  const meanLength = stems.reduce((sum, { length }) => sum + length, 0) / stems.length;
  const rarity = new Map(
    Array.from(queryTerms, (term) => {
      const holders = stems.filter((words) => words.includes(term)).length;
      return [term, Math.log(1 + (stems.length - holders + 0.5) / (holders + 0.5))];
    }),
  );
  return stems.map((words) => {
    const damping = bm25.k1 * (1 - bm25.b + (bm25.b * words.length) / meanLength);
    return Array.from(rarity).reduce((sum, [term, weight]) => {
      const count = words.filter((word) => word === term).length;
      return sum + (weight * count * (bm25.k1 + 1)) / (count + damping);
    }, 0);
  });
}

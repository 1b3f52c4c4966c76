import type { Analyzer, QueryTerm } from "../../../kit/text/analyzer.ts";
import { detectLanguage, type Language } from "../../../kit/text/languages.ts";
import type { NumberedPassage } from "../../gateway/passage-block.ts";
import { sentencesOf, type Sentence } from "./sentences.ts";

/** A verbatim quote of a passage. */
export type Quote = { passage: NumberedPassage; text: string; isTruncated: boolean };

/** The sentences that match a question best, in the order of the passages, and whether they answer it. */
export type FoundSentences = { quotes: Quote[]; isAnswer: boolean };

/** The maximum number of quotes per answer. */
const maxQuotes = 3;

/** The maximum length of a quote, because code or a table without full stops would be quoted completely. */
const maxQuoteLength = 400;

/** The Okapi BM25 parameters for the saturation of word counts (k1) and the discount of long sentences (b). */
const bm25 = { k1: 1.2, b: 0.5 };

/** The weights of a part of a code, and of all grams of a word together, beside a word. */
const weights = { part: 0.5, gram: 0.7 };

/** The share of its score that a sentence adds to the next one, which often continues it: “Open Settings. There, …”. */
const carriedOn = 0.5;

/** The weight of a heading as a quote. It is low, because the text after the heading is more useful. */
const headingWorth = 0.2;

/** The weight of a sentence that is not in the language of the question, if a passage in it was found. */
const otherLanguageWorth = 0.5;

/** The discount per rank of the passage, as ranked by the retriever. */
const rankDiscount = 0.1;

/** The minimum score of a quote, as a share of the best score. */
const worthQuoting = 0.45;

/**
 * A sentence answers if it has all words of the question, or this many. Chosen on the development split of the retrieval benchmark: of
 * the answers there, 70 % were right, and of 40 questions without an answer, 35 got none.
 */
const enoughWords = 4;

/** Words that ask for a measure: an answer has a number in their place. */
const measures =
  /\b(?:how (?:long|many|much|often|far|old|soon|big|large)|wie (?:lange|viele?n?|oft|weit|alt|groß|hoch)|cuánt[oa]s?|quant[eio]s?|combien|hoe (?:lang|veel|vaak))\b/giu;

type Candidate = {
  passage: NumberedPassage;
  sentence: Sentence;
  /** The terms of the question in the language of the passage. */
  asked: readonly QueryTerm[];
  counts: ReadonlyMap<string, number>;
  length: number;
};

/** Finds the sentences that match a question best. They are ranked by Okapi BM25 with each sentence as a document. */
export function findSentences(analyzer: Analyzer, question: string, passages: readonly NumberedPassage[]): FoundSentences {
  const terms = analyzer.queryTerms(question.replace(measures, " "));
  // A short text does not always say in which language it is.
  const language = detectLanguage(question, passages[0] && detectLanguage(passages[0].text));
  const languages = passages.map(({ text }) => detectLanguage(text, language));
  const candidates = passages.flatMap((passage, index) => candidatesIn(analyzer, passage, terms, languages[index]!));
  const own = scores(candidates);
  const isInLanguage = new Set(passages.filter((_, index) => languages[index] === language));
  const fits = candidates.map(({ passage, sentence }, at) => {
    const before = candidates[at - 1]?.passage === passage ? own[at - 1]! : 0;
    const fit = sentence.isHeading ? headingWorth * own[at]! : own[at]! + carriedOn * before;
    const worth = isInLanguage.size === 0 || isInLanguage.has(passage) ? 1 : otherLanguageWorth;
    return (fit * worth) / (1 + rankDiscount * (passage.number - 1));
  });
  const ranked = [...candidates.keys()].filter((at) => fits[at]! > 0).sort((a, b) => fits[b]! - fits[a]! || a - b);
  const [best] = ranked;
  if (best === undefined) return { quotes: [], isAnswer: false };
  const seen = new Set<string>();
  const quotes = ranked
    .filter((at) => fits[at]! >= worthQuoting * fits[best]!)
    .filter((at) => {
      const { passage, sentence } = candidates[at]!;
      const key = passage.text.slice(sentence.start, sentence.end).replace(/\s+/g, " ");
      return !seen.has(key) && seen.add(key);
    })
    .slice(0, maxQuotes)
    .sort((a, b) => a - b)
    .map((at) => quote(candidates[at]!.passage, candidates[at]!.sentence));
  return { quotes, isAnswer: isAnswer(candidates[best]!) };
}

function candidatesIn(
  analyzer: Analyzer,
  passage: NumberedPassage,
  terms: readonly QueryTerm[],
  language: Language,
): Candidate[] {
  const asked = terms.filter(({ languages }) => languages === null || languages.includes(language));
  return sentencesOf(passage.text).map((sentence) => {
    const counts = new Map<string, number>();
    let length = 0;
    for (const { text, kind } of analyzer.termsOf(passage.text.slice(sentence.start, sentence.end), language)) {
      counts.set(text, (counts.get(text) ?? 0) + 1);
      if (kind === "word") length += 1;
    }
    return { passage, sentence, asked, counts, length };
  });
}

function isAnswer({ asked, counts }: Candidate): boolean {
  const words = asked.filter(({ kind }) => kind === "word");
  const matched = words.filter(({ text }) => counts.has(text)).length;
  return matched > 0 && matched >= Math.min(words.length, enoughWords);
}

function quote(passage: NumberedPassage, { start, end }: Pick<Sentence, "start" | "end">): Quote {
  const whole = passage.text.slice(start, end);
  if (whole.length <= maxQuoteLength) return { passage, text: whole, isTruncated: false };
  const head = whole.slice(0, maxQuoteLength);
  const space = head.search(/\s\S*$/);
  return { passage, text: (space > 0 ? head.slice(0, space) : head).replace(/[\ud800-\udbff]$/, ""), isTruncated: true };
}

function scores(candidates: readonly Candidate[]): number[] {
  const meanLength = Math.max(1, candidates.reduce((sum, { length }) => sum + length, 0) / candidates.length);
  const rarities = new Map<string, number>();
  const rarityOf = (term: string) => {
    const known = rarities.get(term);
    if (known !== undefined) return known;
    const holders = candidates.filter(({ counts }) => counts.has(term)).length;
    const rarity = Math.log(1 + (candidates.length - holders + 0.5) / (holders + 0.5));
    rarities.set(term, rarity);
    return rarity;
  };
  return candidates.map(({ asked, counts, length }) => {
    const damping = bm25.k1 * (1 - bm25.b + (bm25.b * length) / meanLength);
    return asked.reduce((sum, term) => {
      const count = counts.get(term.text) ?? 0;
      return count === 0 ? sum : sum + (weightOf(term) * rarityOf(term.text) * count * (bm25.k1 + 1)) / (count + damping);
    }, 0);
  });
}

function weightOf(term: QueryTerm): number {
  return term.kind === "gram" ? weights.gram * term.share : term.kind === "part" ? weights.part : 1;
}

import { fold } from "../models/providers/builtin/words.ts";
import { termsOf } from "./terms.ts";

/** A text that is searched. */
type Searched = { id: number; text: string };

/** The parameters of BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009), with their usual values. */
const k1 = 1.2;
const b = 0.75;

type Terms = { frequencies: ReadonlyMap<string, number>; length: number };

/** The terms of each fact: a room ranks the same objects in each turn. */
const known = new WeakMap<Searched, Terms>();

function termsOfFact(fact: Searched): Terms {
  const cached = known.get(fact);
  if (cached !== undefined) return cached;
  const terms = termsOf(fact.text);
  const frequencies = new Map<string, number>();
  for (const term of terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
  const counted = { frequencies, length: terms.length };
  known.set(fact, counted);
  return counted;
}

/** The facts that share a term with a text, best first (BM25). Of equal facts, the newer comes first. */
export function rankFacts<Fact extends Searched>(facts: readonly Fact[], text: string): Fact[] {
  const wanted = [...new Set(termsOf(text))];
  const all = facts.map((fact) => ({ fact, ...termsOfFact(fact) }));
  const meanLength = all.reduce((sum, { length }) => sum + length, 0) / Math.max(1, all.length);
  const weights = wanted.map((term) => {
    const holding = all.filter(({ frequencies }) => frequencies.has(term)).length;
    return { term, weight: Math.log(1 + (all.length - holding + 0.5) / (holding + 0.5)) };
  });
  return all
    .map(({ fact, frequencies, length }) => {
      const norm = k1 * (1 - b + b * (length / meanLength));
      const score = weights.reduce((sum, { term, weight }) => {
        const frequency = frequencies.get(term) ?? 0;
        return frequency === 0 ? sum : sum + (weight * frequency * (k1 + 1)) / (frequency + norm);
      }, 0);
      return { fact, score };
    })
    .filter(({ score }) => score > 0)
    .toSorted((left, right) => right.score - left.score || right.fact.id - left.fact.id)
    .map(({ fact }) => fact);
}

/** The facts for a search of their owner: those that share a term, best first, then those that contain the text, newest first. */
export function searchFacts<Fact extends Searched>(facts: readonly Fact[], text: string): Fact[] {
  const ranked = rankFacts(facts, text);
  const found = new Set(ranked);
  const part = fold(text);
  const containing = facts.filter((fact) => !found.has(fact) && fold(fact.text).includes(part));
  return [...ranked, ...containing.toSorted((left, right) => right.id - left.id)];
}

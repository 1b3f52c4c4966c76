import { WorkMeter } from "../kit/async/work-meter.ts";
import { loadAnalyzer, type Analyzer } from "../kit/text/analyzer.ts";
import { foldAccents, normalizeText } from "../kit/text/fold.ts";
import { detectLanguage } from "../kit/text/languages.ts";

/** A text that is searched. */
type Searched = { id: number; text: string };

/** The parameters of BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009), with their usual values. */
const k1 = 1.2;
const b = 0.75;

/** Maximum terms of a search: the first ones. They bound its memory. */
const maxTerms = 200;

/** The work on a fact, and on a character of a fact whose terms are not known yet. */
const unitsPerFact = 1_000;
const unitsPerCharacter = 30;

/** The terms of each fact, joined: a room ranks the same objects in each turn, and a string needs the least memory. */
const known = new WeakMap<Searched, string>();

function termsOfFact(analyzer: Analyzer, fact: Searched): string[] {
  let joined = known.get(fact);
  if (joined === undefined) {
    const terms = Array.from(analyzer.termsOf(fact.text, detectLanguage(fact.text)), ({ text }) => text);
    known.set(fact, (joined = terms.join(" ")));
  }
  return joined === "" ? [] : joined.split(" ");
}

/** How often a fact has each of the wanted terms, and the number of all its terms. */
function countTerms(analyzer: Analyzer, fact: Searched, wanted: ReadonlySet<string>) {
  const terms = termsOfFact(analyzer, fact);
  const frequencies = new Map<string, number>();
  for (const term of terms) if (wanted.has(term)) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
  return { frequencies, length: terms.length };
}

/** The facts that share a term with a text, best first (BM25). Of equal facts, the newer comes first. */
export async function rankFacts<Fact extends Searched>(facts: readonly Fact[], text: string): Promise<Fact[]> {
  const analyzer = await loadAnalyzer();
  const asked = new Map(analyzer.queryTerms(text).map((term) => [term.text, term.kind === "gram" ? term.share : 1]));
  const wanted = new Set([...asked.keys()].slice(0, maxTerms));
  if (wanted.size === 0) return [];
  const work = new WorkMeter();
  const all: { fact: Fact; frequencies: Map<string, number>; length: number }[] = [];
  for (const fact of facts) {
    await work.spend(unitsPerFact + fact.text.length * (known.has(fact) ? 1 : unitsPerCharacter));
    all.push({ fact, ...countTerms(analyzer, fact, wanted) });
  }
  const meanLength = all.reduce((sum, { length }) => sum + length, 0) / all.length;
  const weights = Array.from(wanted, (term) => {
    const holding = all.filter(({ frequencies }) => frequencies.has(term)).length;
    return { term, weight: asked.get(term)! * Math.log(1 + (all.length - holding + 0.5) / (holding + 0.5)) };
  });
  return all
    .filter(({ frequencies }) => frequencies.size > 0)
    .map(({ fact, frequencies, length }) => {
      const norm = k1 * (1 - b + b * (length / meanLength));
      const score = weights.reduce((sum, { term, weight }) => {
        const frequency = frequencies.get(term) ?? 0;
        return sum + (weight * frequency * (k1 + 1)) / (frequency + norm);
      }, 0);
      return { fact, score };
    })
    .toSorted((left, right) => right.score - left.score || right.fact.id - left.fact.id)
    .map(({ fact }) => fact);
}

/** The facts for a search of their owner: those that share a term, best first, then those that contain the text, newest first. */
export async function searchFacts<Fact extends Searched>(facts: readonly Fact[], text: string): Promise<Fact[]> {
  const ranked = await rankFacts(facts, text);
  const found = new Set(ranked);
  const fold = (value: string) => foldAccents(normalizeText(value).toLowerCase());
  const part = fold(text);
  const containing = facts.filter((fact) => !found.has(fact) && fold(fact.text).includes(part));
  return [...ranked, ...containing.toSorted((left, right) => right.id - left.id)];
}

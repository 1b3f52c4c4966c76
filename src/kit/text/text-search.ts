import type { Analyzer } from "./analyzer.ts";
import { normalizeText } from "./fold.ts";
import { languages, type Language } from "./languages.ts";
import { tokensOf, type Token } from "./tokens.ts";
import type { WorkMeter } from "../async/work-meter.ts";

/** Vectors and queries of Postgres full text search (`tsvector`, `tsquery`), with the terms of the analyzer. */

/** Postgres refuses a vector above 1 MiB. What is behind is not found. */
const maxVectorBytes = 900_000;

/** What Postgres stores beside the characters of a term, in bytes, and the positions of a term that it keeps. */
const bytesPerTerm = 12;
const maxPositions = 255;
const lastPosition = 16_383;

/** The work of analyzing a token. */
const unitsPerToken = 200;

const quote = (term: string) => `'${term.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;

/** The term that every vector of a language has. No term of a text starts with two tildes. */
const languageTerm = (language: Language) => `~~${language}`;

/** The vector of a text in a language, as Postgres reads it. Alternatives of one word have the same position. */
export async function textVector(analyzer: Analyzer, text: string, language: Language, work: WorkMeter): Promise<string> {
  const positions = new Map<string, number[]>();
  let bytes = 0;
  const add = (term: string, position: number) => {
    const known = positions.get(term);
    if (known === undefined) {
      bytes += 3 * term.length + bytesPerTerm;
      positions.set(term, [position]);
    } else if (known.length < maxPositions && known.at(-1)! < position) {
      known.push(position);
      bytes += 2;
    }
  };
  let at = 1;
  for (const token of tokensOf(normalizeText(text))) {
    if (bytes > maxVectorBytes) break;
    await work.spend(unitsPerToken);
    at = addToken(analyzer, token, language, at, (term, position) => add(term, Math.min(position, lastPosition)));
  }
  add(languageTerm(language), 1);
  return Array.from(positions, ([term, found]) => `${quote(term)}:${found.join(",")}`).join(" ");
}

/** @returns the position of the next token */
function addToken(
  analyzer: Analyzer,
  token: Token,
  language: Language,
  at: number,
  add: (term: string, position: number) => void,
): number {
  const terms = analyzer.tokenTerms(token, language);
  if (token.kind === "run") {
    const pairs = terms.filter(({ kind }) => kind === "word");
    const last = at + Math.max(0, pairs.length - 1);
    pairs.forEach(({ text }, index) => add(text, at + index));
    terms.filter(({ kind }) => kind === "part").forEach(({ text }, index) => add(text, Math.min(last, at + index)));
    return last + 1;
  }
  if (token.kind !== "hyphenated") {
    for (const { text } of terms) add(text, at);
    return at + 1;
  }
  add(terms[0]!.text, at);
  token.parts.forEach((part, index) => addToken(analyzer, { kind: "word", ...part }, language, at + index, add));
  return at + token.parts.length;
}

/**
 * The query for a web search: words, `"a phrase"`, `or` and `-not`, in each language, as Postgres reads it. Undefined if no language
 * has a term for it.
 */
export function webSearchQuery(analyzer: Analyzer, search: string): string | undefined {
  const alternatives = readWebSearch(normalizeText(search));
  const languagesOf = new Map<string, Language[]>();
  for (const language of languages) {
    const query = alternatives.flatMap((units) => groupQuery(analyzer, units, language)).join(" | ");
    if (query !== "") languagesOf.set(query, [...(languagesOf.get(query) ?? []), language]);
  }
  if (languagesOf.size === 0) return undefined;
  const dependsOnLanguage = needsLanguage(analyzer, alternatives.flat());
  const queries = Array.from(languagesOf, ([query, of]) =>
    dependsOnLanguage ? `(${of.map((each) => quote(languageTerm(each))).join(" | ")}) & (${query})` : query,
  );
  return queries.join(" | ");
}

/**
 * Whether a text of one language must not be compared with the query for another one: a word is a function word of some languages only,
 * or is excluded. Otherwise the queries have fewer terms, and the index has less to read.
 */
function needsLanguage(analyzer: Analyzer, units: readonly Unit[]): boolean {
  return units.some(
    ({ tokens, isExcluded }) =>
      isExcluded ||
      tokens.some((token) => new Set(languages.map((each) => tokenQuery(analyzer, token, each) === undefined)).size > 1),
  );
}

type Unit = { tokens: Token[]; isPhrase: boolean; isExcluded: boolean };

/** Reads a web search: alternatives, each of units that must all match. Operators without an operand are ignored. */
function readWebSearch(search: string): Unit[][] {
  const alternatives: Unit[][] = [[]];
  for (const [, minus, phrase, words] of search.matchAll(/(-?)"([^"]*)"|([^\s"]+)/g)) {
    if (words !== undefined && /^or$/i.test(words)) {
      alternatives.push([]);
      continue;
    }
    const tokens = Array.from(tokensOf(phrase ?? words!));
    const isExcluded = minus === "-" || words?.startsWith("-") === true;
    if (tokens.length > 0) alternatives.at(-1)!.push({ tokens, isPhrase: phrase !== undefined, isExcluded });
  }
  return alternatives;
}

/** @returns no query, or one */
function groupQuery(analyzer: Analyzer, units: readonly Unit[], language: Language): string[] {
  const all = units.flatMap(({ tokens, isPhrase, isExcluded }) => {
    const query = isPhrase
      ? phraseQuery(analyzer, tokens, language)
      : tokens.flatMap((token) => tokenQuery(analyzer, token, language) ?? []).join(" & ");
    return query === undefined || query === "" ? [] : [isExcluded ? `!(${query})` : query];
  });
  return all.length === 0 ? [] : [`(${all.join(" & ")})`];
}

/** The query of tokens that follow each other. A function word only takes its place. */
function phraseQuery(analyzer: Analyzer, tokens: readonly Token[], language: Language): string | undefined {
  let query: string | undefined;
  let distance = 0;
  for (const token of tokens) {
    const next = tokenQuery(analyzer, token, language);
    if (next !== undefined) {
      query = query === undefined ? next : `${query} <${distance}> ${next}`;
      distance = 0;
    }
    distance += 1;
  }
  return query === undefined ? undefined : `(${query})`;
}

/** The query of a token; undefined for a function word. */
function tokenQuery(analyzer: Analyzer, token: Token, language: Language): string | undefined {
  const terms = analyzer.tokenQueryTerms(token, language);
  if (terms.length === 0) return undefined;
  if (token.kind === "run") return `(${terms.map(({ text }) => quote(text)).join(" <-> ")})`;
  if (token.kind === "code") return quote(terms[0]!.text);
  if (token.kind === "hyphenated") {
    const parts = phraseQuery(
      analyzer,
      token.parts.map((part): Token => ({ kind: "word", ...part })),
      language,
    );
    return `(${[quote(terms[0]!.text), ...(parts === undefined ? [] : [parts])].join(" | ")})`;
  }
  const grams = terms.filter(({ kind }) => kind === "gram").map(({ text }) => quote(text));
  const forms = terms.filter(({ kind }) => kind !== "gram").map(({ text }) => quote(text));
  return `(${[...forms, ...(grams.length === 0 ? [] : [`(${grams.join(" <0> ")})`])].join(" | ")})`;
}

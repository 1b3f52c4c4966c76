import { foldAccents, normalizeText } from "./fold.ts";
import { isStopWord, languageOfWord, languages, type Language } from "./languages.ts";
import { loadStemmers, type Stem, type Stemmers } from "./stemmers.ts";
import { tokensOf, type Token } from "./tokens.ts";

/** The version of the terms. Texts whose terms have another version must be analyzed again. */
export const analyzerVersion = 1;

/**
 * A term of a text.
 * - `word`: a word, a code or a pair of characters.
 * - `part`: a part of a code, another form of a word, or a single character.
 * - `gram`: four letters of a word; `share` is 1 divided by the number of grams of the word.
 */
export type Term =
  | { text: string; kind: "word" }
  | { text: string; kind: "part" }
  | { text: string; kind: "gram"; share: number };

/** A term of a query with the languages whose texts may contain it; null for all of them. */
export type QueryTerm = Term & { languages: Language[] | null };

export type Analyzer = {
  /** The terms of a text, in order, with repetitions. */
  termsOf(text: string, language: Language): Generator<Term>;
  /** The distinct terms of a query, as texts of each language contain them. */
  queryTerms(query: string): QueryTerm[];
  /** The terms of a token of a text; none for a function word. */
  tokenTerms(token: Token, language: Language): readonly Term[];
  /** The terms of a token of a query, by which texts of a language contain it; none for a function word. */
  tokenQueryTerms(token: Token, language: Language): readonly Term[];
};

/** Languages that join words into one, or that have no stemmer here. Their long words are found by their letters. */
const gramLanguages: ReadonlySet<Language> = new Set<Language>([
  "cs",
  "da",
  "de",
  "fa",
  "fi",
  "hu",
  "nl",
  "no",
  "pl",
  "sv",
  "uk",
  "und",
]);

const gramLength = 4;

/** The shortest word that is found by its letters, and the most letters of it that are. */
const shortestWithGrams = 7;
const longestWithGrams = 32;

/** No word of a language is longer. A longer one is not stemmed, and its term is its start. */
const maxWordLength = 64;

/** The characters and the distinct words of a query that are analyzed. */
const maxQueryLength = 10_000;
const maxQueryTokens = 1_000;

let loading: Promise<Analyzer> | undefined;

/** Loads the analyzer of texts and queries, once per isolate. */
export function loadAnalyzer(): Promise<Analyzer> {
  return (loading ??= loadStemmers().then((stemmers) => createAnalyzer(stemmers)));
}

function createAnalyzer(stemmers: Stemmers): Analyzer {
  const texts = new Analysis(stemmers, false);
  const queries = new Analysis(stemmers, true);
  return {
    *termsOf(text, language) {
      for (const token of tokensOf(normalizeText(text))) yield* texts.termsOf(token, language);
    },
    queryTerms: (query) => queryTerms(queries, distinctTokens(query)),
    tokenTerms: (token, language) => texts.termsOf(token, language),
    tokenQueryTerms: (token, language) => queries.termsOf(token, language),
  };
}

function distinctTokens(query: string): Token[] {
  const distinct = new Map<string, Token>();
  for (const token of tokensOf(normalizeText(query.slice(0, maxQueryLength)))) {
    if (distinct.size >= maxQueryTokens) break;
    distinct.set(JSON.stringify(token), token);
  }
  return Array.from(distinct.values());
}

function queryTerms(analysis: Analysis, tokens: readonly Token[]): QueryTerm[] {
  const found = new Map<string, Term & { languages: Language[] }>();
  for (const language of languages) {
    // A query of nothing but function words keeps them.
    if (!addTerms(found, analysis, tokens, language, false)) addTerms(found, analysis, tokens, language, true);
  }
  return Array.from(found.values(), (term) => ({
    ...term,
    languages: term.languages.length === languages.length ? null : term.languages,
  }));
}

/** @returns whether there are terms */
function addTerms(
  found: Map<string, Term & { languages: Language[] }>,
  analysis: Analysis,
  tokens: readonly Token[],
  language: Language,
  keepsStopWords: boolean,
): boolean {
  let hasTerms = false;
  for (const token of tokens) {
    for (const term of analysis.termsOf(token, language, keepsStopWords)) {
      hasTerms = true;
      const known = found.get(term.text);
      if (known === undefined) found.set(term.text, { ...term, languages: [language] });
      else if (known.languages.at(-1) !== language) known.languages.push(language);
    }
  }
  return hasTerms;
}

/** The words whose terms are remembered, for all languages together. Texts repeat their words. */
const maxRemembered = 20_000;

class Analysis {
  readonly #stemmers: Stemmers;
  readonly #isQuery: boolean;
  readonly #remembered = new Map<string, readonly Term[]>();

  constructor(stemmers: Stemmers, isQuery: boolean) {
    this.#stemmers = stemmers;
    this.#isQuery = isQuery;
  }

  termsOf(token: Token, language: Language, keepsStopWords = false): readonly Term[] {
    const isSearched = (word: string, isName: boolean) =>
      isName || keepsStopWords || !isStopWord(word, languageOfWord(word, language));
    if (token.kind === "symbol") return [{ text: token.text, kind: "word" }];
    if (token.kind === "run") return this.#runTerms(token.text);
    if (token.kind === "word") return isSearched(token.text, token.isName) ? this.#wordTerms(token.text, language, "word") : [];
    const whole = foldAccents(token.whole).slice(0, maxWordLength);
    return token.kind === "code"
      ? [{ text: whole, kind: "word" }, ...token.parts.flatMap((part) => this.#wordTerms(part, language, "part"))]
      : [
          { text: whole, kind: "part" },
          ...token.parts.flatMap(({ text, isName }) =>
            isSearched(text, isName) ? this.#wordTerms(text, language, "word") : [],
          ),
        ];
  }

  /** The pairs of neighboring characters. A text is also found by each single one. */
  #runTerms(run: string): Term[] {
    const characters = Array.from(run);
    if (characters.length === 1) return [{ text: run, kind: "word" }];
    const pairs = characters.slice(1).map((character, at): Term => ({ text: characters[at]! + character, kind: "word" }));
    return this.#isQuery ? pairs : [...pairs, ...characters.map((text): Term => ({ text, kind: "part" }))];
  }

  #wordTerms(word: string, textLanguage: Language, kind: "word" | "part"): readonly Term[] {
    const language = languageOfWord(word, textLanguage);
    const key = `${language} ${kind} ${word}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    const terms = this.#analyzeWord(word, language, kind);
    this.#remembered.set(key, terms);
    return terms;
  }

  #analyzeWord(word: string, language: Language, kind: "word" | "part"): Term[] {
    if (word.length > maxWordLength || /\p{N}/u.test(word)) return [{ text: foldAccents(word).slice(0, maxWordLength), kind }];
    const stem = this.#stemmers.get(language) ?? unchanged;
    const form = language === "de" ? withoutDigraphs(word) : word;
    const term = stemmed(stem, form);
    // A word without its accents has the stem of another form.
    const plain = foldAccents(form);
    const other = plain === form ? term : stemmed(stem, plain);
    return [
      { text: term, kind },
      ...(other === term ? [] : [{ text: other, kind: "part" } as const]),
      ...(gramLanguages.has(language) ? this.#gramTerms(term) : []),
    ];
  }

  #gramTerms(word: string): Term[] {
    if (word.length < (this.#isQuery ? gramLength : shortestWithGrams)) return [];
    const count = Math.min(word.length, longestWithGrams) - gramLength + 1;
    return Array.from({ length: count }, (_, at) => ({
      text: `~${word.slice(at, at + gramLength)}`,
      kind: "gram",
      share: 1 / count,
    }));
  }
}

const unchanged: Stem = (word) => word;

function stemmed(stem: Stem, word: string): string {
  return foldAccents(stem(word) || word);
}

/** Replaces the German digraphs ae, oe and ue, which replace ä, ö and ü, where they do not follow a vowel or a q. */
function withoutDigraphs(word: string): string {
  return word.replace(/(?<![aeiouqäöü])([aou])e/g, "$1");
}

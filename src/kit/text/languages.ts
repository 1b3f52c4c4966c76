import { foldCase, normalizeText } from "./fold.ts";
import { stopWords } from "./stop-words.ts";

/** The languages that the analyzer tells apart, as ISO 639-1 codes. `und` is any other language. */
export const languages = [
  "ar",
  "cs",
  "da",
  "de",
  "el",
  "en",
  "es",
  "fa",
  "fi",
  "fr",
  "hu",
  "id",
  "it",
  "ja",
  "ko",
  "nl",
  "no",
  "pl",
  "pt",
  "ro",
  "ru",
  "sv",
  "tr",
  "uk",
  "zh",
  "und",
] as const;

export type Language = (typeof languages)[number];

type LatinLanguage = Exclude<keyof typeof stopWords, "ru">;

type Script = "Latin" | "Cyrillic" | "Greek" | "Arabic" | "other";

/** The language of a word whose script is not that of the language of its text. */
const languageOfScript = { Cyrillic: "ru", Greek: "el", Arabic: "ar", Latin: "en", other: "und" } as const satisfies Record<
  Script,
  Language
>;

const scripts: Partial<Record<Language, Script>> = {
  ar: "Arabic",
  el: "Greek",
  fa: "Arabic",
  ja: "other",
  ko: "other",
  ru: "Cyrillic",
  uk: "Cyrillic",
  zh: "other",
};

/** The script of the first letter of a word. */
function scriptOf(word: string): Script {
  const code = word.charCodeAt(0);
  if (code < 0x250 || (code >= 0x1e00 && code < 0x1f00)) return "Latin";
  if (code >= 0x370 && code < 0x400) return "Greek";
  if (code >= 0x400 && code < 0x530) return "Cyrillic";
  return (code >= 0x600 && code < 0x780) || (code >= 0xfb50 && code < 0xff00) ? "Arabic" : "other";
}

/** The language of a word in a text of a language: names and terms are often of another script. */
export function languageOfWord(word: string, language: Language): Language {
  const script = scriptOf(word);
  return (scripts[language] ?? "Latin") === script ? language : languageOfScript[script];
}

/** Stop words by language. Made when they are first used. */
let stopWordSets: ReadonlyMap<string, ReadonlySet<string>> | undefined;

/** Checks whether a word, in lower case and with its accents, is a function word of a language. */
export function isStopWord(word: string, language: Language): boolean {
  stopWordSets ??= new Map(Object.entries(stopWords).map(([code, words]) => [code, new Set(words.split(" ").map(foldCase))]));
  return stopWordSets.get(language)?.has(word) ?? false;
}

/** Letters that few languages use. They count like half a function word. */
const telling: readonly [letter: RegExp, languages: readonly LatinLanguage[]][] = [
  [/ß/, ["de"]],
  [/[äö]/, ["de", "sv", "fi"]],
  [/ü/, ["de", "tr", "hu"]],
  [/ñ/, ["es"]],
  [/[ãõ]/, ["pt"]],
  [/å/, ["sv", "da", "no"]],
  [/[æø]/, ["da", "no"]],
  [/[ğış]/, ["tr"]],
  [/[ąćęłńśźż]/, ["pl"]],
  [/[ěřů]/, ["cs"]],
  [/[őű]/, ["hu"]],
  [/[ășțţ]/, ["ro"]],
  [/[èœ]/, ["fr", "it"]],
];

const notAscii = /[^\0-\x7f]/;

let languagesOfStopWords: ReadonlyMap<string, readonly LatinLanguage[]> | undefined;

function stopWordLanguages(word: string): readonly LatinLanguage[] {
  if (languagesOfStopWords === undefined) {
    const map = new Map<string, LatinLanguage[]>();
    for (const [code, words] of Object.entries(stopWords) as [LatinLanguage, string][])
      for (const each of words.split(" ")) map.set(each, [...(map.get(each) ?? []), code]);
    languagesOfStopWords = map;
  }
  return languagesOfStopWords.get(word) ?? [];
}

/** The characters of a text that are inspected. */
const sampleLength = 1_000;

const letterRuns = /[\p{L}\p{M}]+/gu;

/** What a language must exceed the previous one by, so that a few words of another language do not change it. */
const margin = 1.5;

/**
 * Detects the language of a text: from its script, and for the Latin script from its function words, which are what short texts of
 * a language have in common. Libraries that compare letters are more often wrong on one row of a table, and take longer to load than
 * the rest of the analyzer.
 * @param previous the language of the text before, which stays where this one does not say
 */
export function detectLanguage(text: string, previous?: Language): Language {
  const sample = normalizeText(text.slice(0, sampleLength));
  const counts = { Latin: 0, Cyrillic: 0, Greek: 0, Arabic: 0, kana: 0, Hangul: 0, Han: 0 };
  const words: string[] = [];
  for (const [run] of sample.matchAll(letterRuns)) {
    const script = scriptOf(run);
    if (script !== "other") counts[script] += run.length;
    if (script === "Latin") words.push(run);
    if (script === "other") countEastAsian(run, counts);
  }
  // A character of these scripts says as much as a syllable.
  const eastAsian = 2 * (counts.kana + counts.Han + counts.Hangul);
  const most = Math.max(counts.Latin, counts.Cyrillic, counts.Greek, counts.Arabic, eastAsian);
  if (most === 0) return previous ?? "und";
  if (most === eastAsian) {
    if (counts.Hangul > counts.Han + counts.kana) return "ko";
    return counts.kana * 20 > counts.Han ? "ja" : "zh";
  }
  if (most === counts.Cyrillic) return /[іїєґІЇЄҐ]/.test(sample) ? "uk" : "ru";
  if (most === counts.Greek) return "el";
  if (most === counts.Arabic) return /[پچژگ]/.test(sample) ? "fa" : "ar";
  return latinLanguage(words, previous !== undefined && (scripts[previous] ?? "Latin") === "Latin" ? previous : undefined);
}

function countEastAsian(run: string, counts: { kana: number; Hangul: number; Han: number }): void {
  for (const character of run) {
    const code = character.codePointAt(0)!;
    if (code >= 0x3040 && code < 0x3100) counts.kana += 1;
    else if (code >= 0xac00 && code < 0xd7b0) counts.Hangul += 1;
    else if ((code >= 0x3400 && code < 0xa000) || code >= 0x20000) counts.Han += 1;
  }
}

function latinLanguage(words: readonly string[], previous: Language | undefined): Language {
  const votes = new Map<Language, number>();
  // A word that fewer languages have says more.
  const vote = (chosen: readonly LatinLanguage[], weight: number) => {
    for (const language of chosen) votes.set(language, (votes.get(language) ?? 0) + (weight * (1 + 1 / chosen.length)) / 2);
  };
  for (const word of words) {
    const lower = word.toLowerCase();
    vote(stopWordLanguages(lower), 1);
    if (notAscii.test(lower)) for (const [letter, of] of telling) if (letter.test(lower)) vote(of, 0.5);
  }
  // Of languages with the same votes, English is the most likely.
  const [best, second] = Array.from(votes).toSorted(([a, x], [b, y]) => y - x || Number(b === "en") - Number(a === "en"));
  const isUnclear = best === undefined || best[1] < 0.5 || best[1] === second?.[1];
  if (previous === undefined) return isUnclear ? (best?.[0] ?? "en") : best[0];
  return isUnclear || best[1] < margin * (votes.get(previous) ?? 0) ? previous : best[0];
}

import type { Language } from "./languages.ts";

export type Stem = (word: string) => string;

/** The Snowball stemmers by language, of a library. They are loaded when first used, because loading takes some milliseconds. */
const modules = {
  ar: () => import("@orama/stemmers/arabic"),
  da: () => import("@orama/stemmers/danish"),
  de: () => import("@orama/stemmers/german"),
  el: () => import("@orama/stemmers/greek"),
  en: () => import("@orama/stemmers/english"),
  es: () => import("@orama/stemmers/spanish"),
  fi: () => import("@orama/stemmers/finnish"),
  fr: () => import("@orama/stemmers/french"),
  hu: () => import("@orama/stemmers/hungarian"),
  id: () => import("@orama/stemmers/indonesian"),
  it: () => import("@orama/stemmers/italian"),
  nl: () => import("@orama/stemmers/dutch"),
  no: () => import("@orama/stemmers/norwegian"),
  pt: () => import("@orama/stemmers/portuguese"),
  ro: () => import("@orama/stemmers/romanian"),
  ru: () => import("@orama/stemmers/russian"),
  sv: () => import("@orama/stemmers/swedish"),
  tr: () => import("@orama/stemmers/turkish"),
} as const satisfies Partial<Record<Language, () => Promise<{ stemmer: Stem }>>>;

export type Stemmers = ReadonlyMap<Language, Stem>;

/** Loads the stemmers of all languages that have one. */
export async function loadStemmers(): Promise<Stemmers> {
  const loaded = Object.entries(modules).map(async ([language, load]) => [language, (await load()).stemmer] as const);
  return new Map((await Promise.all(loaded)) as [Language, Stem][]);
}

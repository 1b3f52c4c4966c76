import { fold, isFunctionWord, stem } from "../models/providers/builtin/words.ts";

/** A run of characters of a script without spaces between words, or a word. */
const runs =
  /(?<unspaced>[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]+)|[[\p{L}\p{M}\p{N}]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]]+/gv;

/** The terms by which a text is searched, repeated as often as they occur. The texts and the queries use the same function. */
export function termsOf(text: string): string[] {
  return Array.from(fold(text).matchAll(runs)).flatMap(({ 0: run, groups }) => {
    if (groups?.["unspaced"] === undefined) return isFunctionWord(run) ? [] : [stem(run)];
    return ngrams(Array.from(run));
  });
}

/** The single characters and the pairs of a run. */
function ngrams(characters: readonly string[]): string[] {
  return [...characters, ...characters.slice(1).map((character, index) => characters[index]! + character)];
}

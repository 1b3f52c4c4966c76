import { foldCase } from "./fold.ts";

/**
 * A piece of a text that is searched.
 * - `word`: letters and digits.
 * - `run`: characters of a script without spaces.
 * - `symbol`: an emoji or a currency sign.
 */
export type Token =
  | { kind: "word"; text: string; isName: boolean }
  | { kind: "code"; whole: string; parts: string[] }
  | { kind: "hyphenated"; whole: string; parts: { text: string; isName: boolean }[] }
  | { kind: "run"; text: string }
  | { kind: "symbol"; text: string };

/** Scripts without spaces between words, and Hangul, whose words end with particles. */
const unspaced =
  "[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{sc=Hangul}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}]&&[\\p{L}\\p{M}]";
const letter = `[[\\p{L}\\p{M}\\p{N}]--[${unspaced}]]`;
const start = `[[\\p{L}\\p{N}]--[${unspaced}]]`;
const connector = "[\\-_.'’‘@\\&·]";

const pattern = new RegExp(
  [
    `([${unspaced}]+)`,
    `(${start}${letter}*(?:(?:${connector}|(?<=\\p{Nd}),(?=\\p{Nd}))${letter}+)*(?:\\+\\+|#)?)`,
    `(\\p{RI}{2}|\\p{Extended_Pictographic}|\\p{Sc})`,
  ].join("|"),
  "gv",
);

/** Most words: without a capital inside, a digit or a sign. */
const plainWord = /^\p{L}[\p{Ll}\p{Lo}]{0,62}$/u;

/** The characters of a token. A longer one is cut into several. */
const maxLength = 256;

/** Splits a normalized text into tokens, in order. The time is linear. */
export function* tokensOf(text: string): Generator<Token> {
  for (const [, run, word, symbol] of text.matchAll(pattern)) {
    if (word !== undefined && plainWord.test(word)) yield { kind: "word", text: foldCase(word), isName: false };
    else if (run !== undefined) yield { kind: "run", text: run };
    else if (symbol !== undefined) yield { kind: "symbol", text: symbol };
    else for (let at = 0; at < word!.length; at += maxLength) yield* wordTokens(word!.slice(at, at + maxLength));
  }
}

/** A version or a decimal number, with its leading `v`. */
const version = /^[vV]?(\d+(?:[.,]\d+)+)$/;

/** A number whose thousands are separated. */
const thousands = /^\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*$/;

/** A mark alone is no word. */
const hasLetter = /[\p{L}\p{N}]/u;

const apostrophes = /['’‘]/;
const separators = /[-_.,@&·]/;
const isCodeSign = /[_.,@&\p{N}]/u;

function* wordTokens(word: string): Generator<Token> {
  for (const piece of withoutElisions(word)) yield pieceToken(piece);
}

/** Drops what an apostrophe shortens to one or two letters: `l'eau`, `user's`, `we'll`. */
function withoutElisions(word: string): string[] {
  if (!apostrophes.test(word)) return [word];
  const pieces = word.split(apostrophes);
  const long = pieces.filter((piece) => piece.length > 2 && hasLetter.test(piece));
  return long.length > 0 ? long : pieces.filter((piece) => hasLetter.test(piece)).slice(0, 1);
}

function pieceToken(word: string): Token {
  if (/^\p{L}{1,2}(?:\+\+|#)$/u.test(word)) return { kind: "code", whole: foldCase(word), parts: [] };
  const bare = word.replace(/[+#]+$/, "");
  const [, number] = version.exec(bare) ?? [];
  if (number !== undefined) return versionToken(number);
  const segments = bare.split(separators).filter((segment) => hasLetter.test(segment));
  const inner = segments.flatMap(innerParts);
  const isCode = isCodeSign.test(bare) || inner.length > segments.length;
  if (!isCode && segments.length === 1) return { kind: "word", text: foldCase(bare), isName: isInCapitals(bare) };
  const whole = foldCase(segments.join(""));
  // Initials, as in U.S., are one name.
  if (segments.length > 1 && segments.every((segment) => segment.length === 1 && !/\d/.test(segment)))
    return { kind: "code", whole, parts: [] };
  if (!isCode)
    return { kind: "hyphenated", whole, parts: segments.map((text) => ({ text: foldCase(text), isName: isInCapitals(text) })) };
  const parts = [...segments, ...inner].map(foldCase).filter((part) => part !== whole && (part.length > 1 || /\d/.test(part)));
  return { kind: "code", whole, parts: Array.from(new Set([...parts, ...versionsIn(bare)])) };
}

/** The longest prefix of a version that is indexed, in numbers. */
const versionDepth = 4;

/** A version, found by each of its prefixes, and a number with separated thousands, found without them. */
function versionToken(number: string): Token {
  const numbers = number.split(/[.,]/);
  const whole = numbers.join(".");
  const prefixes = numbers.slice(2, versionDepth).map((_, index) => numbers.slice(0, index + 2).join("."));
  const joined = thousands.test(number) ? [numbers.join("")] : [];
  return { kind: "code", whole, parts: [...prefixes, ...joined] };
}

/** The versions at the start and the end of a code, such as `2.1` in `lib-2.1` and `1.2.3` in `v1.2.3-beta`. */
function versionsIn(code: string): string[] {
  return code.split(/[-_@]/).flatMap((piece) => {
    const [, number] = version.exec(piece) ?? [];
    if (number === undefined || piece === code) return [];
    const token = versionToken(number);
    return token.kind === "code" ? [token.whole, ...token.parts] : [];
  });
}

/** The parts of an identifier, between small and capital letters and between letters and digits. */
function innerParts(segment: string): string[] {
  return Array.from(segment.matchAll(/\p{Lu}+(?!\p{Ll})|\p{Lu}?[[\p{L}\p{M}]--\p{Lu}]+|\p{Lu}|\p{N}+/gv), ([part]) => part);
}

/** Whether a word may be a name that is written in capitals, like WHO. */
function isInCapitals(word: string): boolean {
  return word.length > 1 && /^[\p{Lu}\p{N}]+$/u.test(word);
}

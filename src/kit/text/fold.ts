import { normalizeUnicode } from "../unicode.ts";

/** Characters without a decomposition, and the letters that people type instead. */
const letters: Readonly<Record<string, string>> = {
  æ: "ae",
  œ: "oe",
  ø: "o",
  ł: "l",
  đ: "d",
  ħ: "h",
  ð: "d",
  þ: "th",
  ı: "i",
  ŋ: "n",
  ى: "ي",
  ة: "ه",
};

const undecomposed = new RegExp(`[${Object.keys(letters).join("")}]`, "gu");

/** Marks of Latin, Greek, Cyrillic, Hebrew and Arabic. In other scripts, marks are vowels or change the letter. */
const accents = /[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u06d6-\u06ed]/g;

// oxlint-disable-next-line no-control-regex -- the range of ASCII starts with them
const ascii = /^[\0-\x7f]*$/;

/** Invisible characters inside words: the soft hyphen, joiners, the byte order mark, and the Arabic elongation. */
const invisible = /\u00ad|\u0640|\u200c|\u200d|\u2060|\ufe0e|\ufe0f|\ufeff/g;

/** Normalizes compatibility forms, and removes the invisible characters of words. Case and accents stay. */
export function normalizeText(text: string): string {
  return ascii.test(text) ? text : normalizeUnicode(text, "NFKC").replace(invisible, "").replace(nativeDigits, toAsciiDigit);
}

/** The digits of Arabic, Persian and Hindi. */
const nativeDigits = /[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]/g;

function toAsciiDigit(digit: string): string {
  const code = digit.charCodeAt(0);
  return String(code >= 0x966 ? code - 0x966 : code & 0xf);
}

/** Folds the case of a normalized word. The Turkish İ, I, ı and i become one letter when the accents are folded too. */
export function foldCase(word: string): string {
  const lower = word.toLowerCase();
  return ascii.test(lower) ? lower : lower.replaceAll("ß", "ss").replaceAll("i\u0307", "i").replaceAll("ς", "σ");
}

/** Removes the accents of a word in lower case. */
export function foldAccents(word: string): string {
  if (ascii.test(word)) return word;
  const bare = word.normalize("NFD").replace(accents, "").normalize("NFC");
  return bare.replace(undecomposed, (letter) => letters[letter]!);
}

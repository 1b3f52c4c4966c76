/** Combining characters that a character may carry. The Stream-Safe Text Format (UAX #15) has the same number. */
const maxMarks = 30;

const manyMarks = new RegExp(String.raw`(\p{M}{${maxMarks}})\p{M}+`, "gu");

const fewerMarks = (text: string): string => text.replace(manyMarks, "$1");

// oxlint-disable-next-line no-control-regex -- the range of ASCII starts with them
const ascii = /^[\0-\x7f]*$/;

/**
 * Normalizes a text. Of more than 30 combining characters in a row, the first 30 stay: normalization sorts them in quadratic time.
 * Normalized text stays unchanged.
 */
export function normalizeUnicode(text: string, form: "NFC" | "NFKC"): string {
  return ascii.test(text) ? text : fewerMarks(fewerMarks(text).normalize(form));
}

import { normalizeUnicode } from "../../../kit/unicode.ts";

/** Line and page breaks. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const lineEnds = /\r\n?|[\u000B\u000C\u0085\u2028\u2029]/g;

/** Control characters without meaning in a text, and byte order marks. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const controls = /[\u0000-\u0008\u000E-\u001F\u007F-\u009F\uFEFF]+/g;

/**
 * Normalizes the text of a row: NFC, LF line ends, no trailing white space, no control characters, byte order marks or
 * lone surrogates. Normalized text stays unchanged. Of more than 30 combining characters in a row, the first 30 stay.
 */
export function normalise(text: string): string {
  const lines = text.replace(lineEnds, "\n").replace(controls, "");
  return normalizeUnicode(trimLines(lines).toWellFormed(), "NFC");
}

/** Removes the white space at the end of each line. */
function trimLines(text: string): string {
  if (!/[^\S\n](?:\n|$)/.test(text)) return text;
  let trimmed = "";
  let kept = 0;
  for (let start = 0; start <= text.length;) {
    const newline = text.indexOf("\n", start);
    const lineEnd = newline < 0 ? text.length : newline;
    let end = lineEnd;
    while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
    if (end < lineEnd) {
      trimmed += text.slice(kept, end);
      kept = lineEnd;
    }
    start = lineEnd + 1;
  }
  return trimmed + text.slice(kept);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || (code >= 0xa0 && /\s/.test(String.fromCharCode(code)));
}

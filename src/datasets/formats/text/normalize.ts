/** Line and page breaks. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const lineEnds = /\r\n?|[\u000B\u000C\u0085\u2028\u2029]/g;

/** Control characters without meaning in a text, and byte order marks. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const controls = /[\u0000-\u0008\u000E-\u001F\u007F-\u009F\uFEFF]/g;

/**
 * Normalizes the text of a row: NFC, LF line ends, no trailing white space, no control characters, byte order marks or
 * lone surrogates. Normalized text stays unchanged.
 */
export function normalizeText(text: string): string {
  const lines = text.replaceAll(lineEnds, "\n").replaceAll(controls, "").split("\n");
  const trimmed = lines.map((line) => line.trimEnd()).join("\n");
  return trimmed.toWellFormed().normalize("NFC");
}

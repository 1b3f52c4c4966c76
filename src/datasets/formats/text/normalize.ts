/** What ends a line, or a page. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const lineEnds = /\r\n?|[\u000B\u000C\u0085\u2028\u2029]/g;

/** The control characters that mean nothing in a text, and byte order marks. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const controls = /[\u0000-\u0008\u000E-\u001F\u007F-\u009F\uFEFF]/g;

/**
 * A text as rows hold it: NFC, lines that end with LF and not with white space, without control characters, byte order marks and
 * halves of surrogate pairs. What is normal already stays as it is.
 */
export function normalise(text: string): string {
  const lines = text.replaceAll(lineEnds, "\n").replaceAll(controls, "").split("\n");
  const trimmed = lines.map((line) => line.trimEnd()).join("\n");
  return trimmed.toWellFormed().normalize("NFC");
}

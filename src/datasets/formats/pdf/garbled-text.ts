/** Shares of the visible characters above which a text is garbled. Bullets of symbol fonts are few private characters; a text has no controls. */
const maxPrivateShare = 0.3;
const maxControlShare = 0.05;

/**
 * Whether a text is what the PDF library makes of a font that does not say which characters its glyphs are: characters of private use, unassigned
 * ones, or glyph numbers as control characters.
 */
export function isGarbled(text: string): boolean {
  const visible = countOf(text, /\S/gu);
  if (visible === 0) return false;
  const privates = countOf(text, /[\p{Co}\p{Cn}\uFFFD]/gu);
  const controls = countOf(text, /[\u0000-\u0008\u000E-\u001F\u0080-\u0084\u0086-\u009F]/g); // oxlint-disable-line no-control-regex -- it is what is looked for
  return privates / visible > maxPrivateShare || controls / visible > maxControlShare;
}

function countOf(text: string, pattern: RegExp): number {
  let count = 0;
  for (const _ of text.matchAll(pattern)) count++;
  return count;
}

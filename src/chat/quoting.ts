/** What in JSON a reader could take for the end of a line, or of nothing at all. */
const breaks = /[\u007f-\u009f\u2028\u2029]/g;

/** JSON on one line, whatever counts as the end of one: how what is data is handed to a model. */
export function onOneLine(value: unknown): string {
  return JSON.stringify(value).replace(breaks, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The beginning of a text, with a note that it is no more than that; at most `limit` characters, none of them cut. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const note = ` … [cut: it has ${text.length} characters]`;
  return text.slice(0, Math.max(0, limit - note.length)).replace(/[\ud800-\udbff]$/, "") + note;
}

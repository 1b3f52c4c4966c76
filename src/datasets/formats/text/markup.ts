/** Extensions of HTML files. */
export const htmlExtensions = ["html", "htm", "xhtml"];

/** Whether a text has a tag. An HTML file without one is plain text. */
export function hasTag(text: string): boolean {
  const start = text.search(/<[a-z]/i);
  return start >= 0 && text.includes(">", start);
}

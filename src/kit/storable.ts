/** A text from elsewhere, in as many characters as are wanted, and such as Postgres takes: without NUL, or half a surrogate pair. */
export function storable(text: string, atMost: number): string {
  return text.replaceAll("\0", "").trim().slice(0, atMost).toWellFormed();
}

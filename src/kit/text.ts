// oxlint-disable-next-line no-control-regex -- it is what is looked for
const nul = /\u0000/;

const isHeld = (text: string) => text.isWellFormed() && !nul.test(text);

/** Where in a JSON value there is text that Postgres cannot hold: with a NUL, or with half a surrogate pair. */
export function unheldText(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === "string") return isHeld(value) ? [] : [path.join(".")];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => (isHeld(key) ? unheldText(item, [...path, key]) : [path.join(".")]));
}

/** The nearest text that Postgres can hold. */
export function heldText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "");
}

// oxlint-disable-next-line no-control-regex -- it is what is looked for
const nul = /\u0000/;
// oxlint-disable-next-line no-control-regex -- it is what is replaced
const nuls = /\u0000/g;

const isHeld = (text: string) => text.isWellFormed() && !nul.test(text);

/** Where in a JSON value there is text that Postgres cannot hold: with a NUL, or with half a surrogate pair. */
export function unheldText(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === "string") return isHeld(value) ? [] : [path.join(".")];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => (isHeld(key) ? unheldText(item, [...path, key]) : [path.join(".")]));
}

/** A JSON value in whose text every character that Postgres cannot hold is U+FFFD: for what nobody can be told to say otherwise. */
export function heldText<T>(value: T): T;
export function heldText(value: unknown): unknown {
  if (typeof value === "string") return isHeld(value) ? value : value.toWellFormed().replace(nuls, "\uFFFD");
  if (Array.isArray(value)) return value.map((item) => heldText(item as unknown));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [heldText(key), heldText(item as unknown)]));
}

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

/** A JSON value with the nearest text that Postgres can hold: for what nobody can be told to say otherwise. */
export function heldJson<T>(value: T): T;
export function heldJson(value: unknown): unknown {
  if (typeof value === "string") return heldText(value);
  if (Array.isArray(value)) return value.map((item) => heldJson(item as unknown));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [heldText(key), heldJson(item as unknown)]));
}

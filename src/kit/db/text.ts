// oxlint-disable-next-line no-control-regex -- it is what is looked for
const nul = /\u0000/;

const isPostgresText = (text: string) => text.isWellFormed() && !nul.test(text);

/** Where in a JSON value there is text that Postgres cannot hold: with a NUL, or with half a surrogate pair. */
export function invalidTextPaths(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === "string") return isPostgresText(value) ? [] : [path.join(".")];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    isPostgresText(key) ? invalidTextPaths(item, [...path, key]) : [path.join(".")],
  );
}

/** The nearest text that Postgres can hold. */
export function toPostgresText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "");
}

/** The beginning of a text from elsewhere, at most `limit` characters, as Postgres can hold it. */
export function storable(text: string, limit: number): string {
  return toPostgresText(text).trim().slice(0, limit).toWellFormed();
}

/** A JSON value with the nearest text that Postgres can hold: for what nobody can be told to say otherwise. */
export function toPostgresJson<T>(value: T): T;
export function toPostgresJson(value: unknown): unknown {
  if (typeof value === "string") return toPostgresText(value);
  if (Array.isArray(value)) return value.map((item) => toPostgresJson(item as unknown));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [toPostgresText(key), toPostgresJson(item as unknown)]));
}

/** What in JSON a reader could take for the end of a line, or of nothing at all. */
const breaks = /[\u007f-\u009f\u2028\u2029]/g;

/** JSON on one line, whatever counts as the end of one. */
export function toSingleLineJson(value: unknown): string {
  return JSON.stringify(value).replace(breaks, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The beginning of a text, with a note that it is no more than that; at most `limit` characters, none of them cut. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const note = ` … [cut: it has ${text.length} characters]`;
  return text.slice(0, Math.max(0, limit - note.length)).replace(/[\ud800-\udbff]$/, "") + note;
}

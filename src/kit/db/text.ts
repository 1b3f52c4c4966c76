import type { ValidationIssue } from "../errors.ts";

// oxlint-disable-next-line no-control-regex -- the pattern finds this control character
const nul = /\u0000/;

const isPostgresText = (text: string) => text.isWellFormed() && !nul.test(text);

/** The paths of strings in a JSON value that Postgres cannot store: with a NUL, or with half a surrogate pair. */
export function invalidTextPaths(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === "string") return isPostgresText(value) ? [] : [path.join(".")];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    isPostgresText(key) ? invalidTextPaths(item, [...path, key]) : [path.join(".")],
  );
}

/** The most faults of a value that are reported, and the most characters of a path. A reply stays shorter than its request. */
const maxFaults = 20;
const maxPathLength = 200;

/** The faults of a value with strings that Postgres cannot store. Requests and frames refuse them. */
export function textFaults(value: unknown, where: ValidationIssue["in"]): ValidationIssue[] {
  return invalidTextPaths(value)
    .slice(0, maxFaults)
    .map((path) => ({ path: truncate(path, maxPathLength), in: where, message: "has a character that cannot be stored" }));
}

/** Replaces the characters that Postgres cannot store. */
export function toPostgresText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "");
}

/** The start of an external text, at most `limit` characters, that Postgres can store. */
export function toStorableText(text: string, limit: number): string {
  return toPostgresText(text).trim().slice(0, limit).toWellFormed();
}

/** Replaces the characters that Postgres cannot store in a JSON value that no client can correct. */
export function toPostgresJson<T>(value: T): T;
export function toPostgresJson(value: unknown): unknown {
  if (typeof value === "string") return toPostgresText(value);
  if (Array.isArray(value)) return value.map((item) => toPostgresJson(item as unknown));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [toPostgresText(key), toPostgresJson(item as unknown)]));
}

/** Characters that JSON allows unescaped, but that a reader can take for a line break or a control character. */
const breaks = /[\u007f-\u009f\u2028\u2029]/g;

/** JSON on one line, without any kind of line break. */
export function toSingleLineJson(value: unknown): string {
  return JSON.stringify(value).replace(breaks, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Truncates a text to `limit` characters, including a note. Does not split a surrogate pair. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const note = ` … [cut: it has ${text.length} characters]`;
  return text.slice(0, Math.max(0, limit - note.length)).replace(/[\ud800-\udbff]$/, "") + note;
}

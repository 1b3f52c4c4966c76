import type { Message } from "../types.ts";

/** Messages as text in a room's storage, where a row has 2 MB: what a message says stands in its parts, so it is written once. */

type Spoken = Pick<Message, "text" | "parts">;

const isSpoken = (value: unknown): value is Spoken =>
  typeof value === "object" && value !== null && "parts" in value && "role" in value;

/** A value in which messages are, as JSON. */
export function writeStored(value: object): string {
  return JSON.stringify(value, (_key, item: unknown) => (isSpoken(item) ? { ...item, text: "" } : item));
}

/** What `writeStored` wrote. */
export function readStored(json: string): unknown {
  return JSON.parse(json, (_key, item: unknown) => (isSpoken(item) ? { ...item, text: textOf(item) } : item));
}

const textOf = ({ parts }: Pick<Message, "parts">): string =>
  parts.map((part) => (part.type === "text" ? part.text : "")).join("");

import type { Message } from "../types.ts";

/** Serializes messages for a room's storage. A row has at most 2 MB, so the text of a message is stored once, in its parts. */

type MessageText = Pick<Message, "text" | "parts">;

const hasMessageText = (value: unknown): value is MessageText =>
  typeof value === "object" && value !== null && "parts" in value && "role" in value;

/** Serializes a value that contains messages. */
export function writeStored(value: object): string {
  return JSON.stringify(value, (_key, item: unknown) => (hasMessageText(item) ? { ...item, text: "" } : item));
}

/** Parses the JSON of `writeStored`. */
export function readStored(json: string): unknown {
  return JSON.parse(json, (_key, item: unknown) =>
    // Messages of an earlier version have no finish reason.
    hasMessageText(item) ? { finish_reason: null, ...item, text: textOf(item) } : item,
  );
}

const textOf = ({ parts }: Pick<Message, "parts">): string =>
  parts.map((part) => (part.type === "text" ? part.text : "")).join("");

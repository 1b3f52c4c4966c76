import { isWholeChat, messagesOf } from "../formats/records/chat-messages.ts";
import { normalise } from "../formats/text/normalize.ts";
import type { ParsedRow } from "../formats/types.ts";
import { HashSet } from "./hash-set.ts";
import { type DropReason, maxRowLength, type RowKind } from "../constants.ts";
import { NearDuplicates } from "./near-duplicates.ts";

/** A row as it is used: normalised, with the SHA-256 of its text in hexadecimal, and why it is not used if it is not. */
export type FilteredRow = { row: ParsedRow; hash: string; dropped: DropReason | null };

/**
 * Decides, row after row, which of a dataset's are used. Of rows that repeat each other the first is kept. The same rows in the same
 * order come to the same end.
 *
 * A row is dropped as
 * - `empty`, if its text is nothing but white space;
 * - `malformed`, if a column that its kind needs is empty, if a conversation lacks a user's message, an answer, or a known role in
 *   each message, or if a text has neither a letter nor a digit;
 * - `too_long`, if its text has more than `maxRowLength` characters;
 * - `duplicate`, if its text is that of an earlier row (of the first 786,432 different ones);
 * - `near_duplicate`, if its text is nearly that of an earlier row that was kept: see `NearDuplicates`, and its bounds.
 *
 * It holds at most 42 MiB, however many rows there are (and 12 more while it grows), and as little as they need if there are few.
 */
export class RowFilter {
  readonly counts: Record<DropReason, number> & { kept: number } = {
    kept: 0,
    empty: 0,
    malformed: 0,
    too_long: 0,
    duplicate: 0,
    near_duplicate: 0,
  };
  readonly #hashes = new HashSet();
  readonly #texts = new NearDuplicates();

  /** The next row. One at a time: what becomes of it depends on those before it. */
  async evaluate(parsed: ParsedRow): Promise<FilteredRow> {
    const row = { ...parsed, text: normalise(parsed.text), fields: normaliseFields(parsed.fields) };
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(row.text));
    const dropped = faultOf(row) ?? this.#repetition(row.text, digest);
    this.counts[dropped ?? "kept"]++;
    return { row, hash: Buffer.from(digest).toString("hex"), dropped };
  }

  #repetition(text: string, digest: ArrayBuffer): DropReason | null {
    if (!this.#hashes.add(new DataView(digest))) return "duplicate";
    return this.#texts.add(text) ? null : "near_duplicate";
  }
}

function faultOf(row: ParsedRow): DropReason | undefined {
  if (row.text.trim() === "") return "empty";
  if (malformed[row.kind](row)) return "malformed";
  return row.text.length > maxRowLength ? "too_long" : undefined;
}

const malformed: Record<RowKind, (row: ParsedRow) => boolean> = {
  instruction: ({ fields }) => lacks(fields, "instruction", "output"),
  question: ({ fields }) => lacks(fields, "question") || (lacks(fields, "answer") && !isUnanswerable(fields)),
  prompt: ({ fields }) => lacks(fields, "prompt", "response"),
  chat: ({ fields }) => !isWholeChat(messagesOf(fields?.["messages"]) ?? []),
  text: ({ text }) => !/[\p{L}\p{N}]/u.test(text),
};

function lacks(fields: ParsedRow["fields"], ...names: string[]): boolean {
  return names.some((name) => ((fields?.[name] as string | undefined) ?? "").trim() === "");
}

/** Whether a question is there to be left unanswered, as some of SQuAD's are. */
function isUnanswerable(fields: ParsedRow["fields"]): boolean {
  return (fields?.["metadata"] as Record<string, unknown> | undefined)?.["is_impossible"] === true;
}

function normaliseFields(fields: ParsedRow["fields"]): ParsedRow["fields"] {
  return fields === null ? null : (normaliseValue(fields) as Record<string, unknown>);
}

function normaliseValue(value: unknown): unknown {
  if (typeof value === "string") return normalise(value);
  if (Array.isArray(value)) return value.map(normaliseValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [normalise(key), normaliseValue(each)]));
}

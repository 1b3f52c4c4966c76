import { WorkMeter } from "../../kit/async/work-meter.ts";
import { isWholeChat, messagesOf } from "../formats/records/chat-messages.ts";
import { Normalizer } from "./normalizer.ts";
import type { ParsedRow } from "../formats/types.ts";
import { HashSet } from "./hash-set.ts";
import { type DropReason, maxRowLength, type RowKind } from "../constants.ts";
import { NearDuplicates } from "./near-duplicates.ts";

/** A normalized row with the SHA-256 of its text in hexadecimal, and the reason if it was dropped. */
export type FilteredRow = { row: ParsedRow; hash: string; dropped: DropReason | null };

/** The work of hashing a row and of comparing it, and that on each of its characters. */
const unitsPerRow = 4_000;
const unitsPerCharacter = 20;
const unitsPerHashed = 1;

/**
 * Decides row by row which rows of a dataset are used. The first of several duplicates is kept. The same rows in the same
 * order give the same result.
 *
 * A row is dropped as
 * - `empty`, if its text is only white space;
 * - `too_long`, if its text has more than `maxRowLength` characters;
 * - `malformed`, if a column that its kind needs is empty, if a conversation lacks a user's message, an answer, or a known role in
 *   each message, or if a text has no letter, digit or emoji;
 * - `duplicate`, if an earlier row has the same text (among the first 786,432 distinct ones);
 * - `near_duplicate`, if an earlier kept row has nearly the same text: see `NearDuplicates` and its limits.
 *
 * It uses at most 42 MiB for any number of rows (and 12 MiB more while it grows).
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
  readonly #normalizer: Normalizer;
  readonly #work: WorkMeter;
  readonly #hashes = new HashSet();
  readonly #texts = new NearDuplicates();

  constructor(work: WorkMeter = new WorkMeter()) {
    this.#work = work;
    this.#normalizer = new Normalizer(work);
  }

  /** Evaluates the next row. Call it sequentially: the result depends on the earlier rows. */
  async evaluate(parsed: ParsedRow): Promise<FilteredRow> {
    const text = await this.#normalizer.text(parsed.text);
    const row = { ...parsed, text, fields: parsed.fields === null ? null : await this.#normalizer.record(parsed.fields) };
    await this.#work.spend(unitsPerRow + Math.min(text.length, maxRowLength) * unitsPerCharacter);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(row.text));
    await this.#work.spend(text.length * unitsPerHashed);
    const dropped = dropReason(row) ?? this.#repetition(row.text, digest);
    this.counts[dropped ?? "kept"]++;
    return { row, hash: Buffer.from(digest).toString("hex"), dropped };
  }

  #repetition(text: string, digest: ArrayBuffer): DropReason | null {
    if (!this.#hashes.add(new DataView(digest))) return "duplicate";
    return this.#texts.add(text) ? null : "near_duplicate";
  }
}

function dropReason(row: ParsedRow): DropReason | undefined {
  if (row.text.trim() === "") return "empty";
  if (row.text.length > maxRowLength) return "too_long";
  return malformed[row.kind](row) ? "malformed" : undefined;
}

const malformed: Record<RowKind, (row: ParsedRow) => boolean> = {
  instruction: ({ fields }) => lacks(fields, "instruction", "output"),
  question: ({ fields }) => lacks(fields, "question") || (lacks(fields, "answer") && !isUnanswerable(fields)),
  prompt: ({ fields }) => lacks(fields, "prompt", "response"),
  chat: ({ fields }) => !isWholeChat(messagesOf(fields?.["messages"]) ?? []),
  text: ({ text }) => !/[\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}]/u.test(text),
};

function lacks(fields: ParsedRow["fields"], ...names: string[]): boolean {
  return names.some((name) => ((fields?.[name] as string | undefined) ?? "").trim() === "");
}

/** Whether a question has no answer on purpose, as some of SQuAD's. */
function isUnanswerable(fields: ParsedRow["fields"]): boolean {
  return (fields?.["metadata"] as Record<string, unknown> | undefined)?.["is_impossible"] === true;
}

import * as z from "zod";

/** The frames of a turn, as clients receive them. */

const message_id = z.int();

/** A stretch of text, at its place in what it belongs to: it covers the numbers `from_seq` to `seq`. Lengths are in UTF-16 code units. */
const Stretch = z.object({ message_id, offset: z.int().min(0), text: z.string(), from_seq: z.int() });

export const Usage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  cost_usd: z.number(),
});

export const Citation = z.object({
  number: z.int(),
  source: z.string(),
  text: z.string(),
  score: z.number(),
  dataset_id: z.int(),
  start: z.int(),
  end: z.int(),
});

/** What a turn says. The message of `message.created` is as [`Message`](./types.ts) has it. */
export const TurnFrame = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("message.created"),
    message: z.looseObject({ id: message_id }),
    client_id: z.string().nullable(),
  }),
  z.object({ type: z.literal("message.delta"), ...Stretch.shape }),
  z.object({ type: z.literal("reasoning.delta"), ...Stretch.shape }),
  /** After a crash: what is kept of the answer, and of its thoughts, has this length. */
  z.object({
    type: z.literal("message.reset"),
    message_id,
    length: z.int().min(0),
    reasoning_length: z.int().min(0),
  }),
  z.object({ type: z.literal("tool.started"), message_id, call_id: z.string(), tool: z.string(), input: z.unknown() }),
  z.object({
    type: z.literal("tool.finished"),
    message_id,
    call_id: z.string(),
    tool: z.string(),
    status: z.enum(["complete", "failed", "denied"]),
    output: z.string(),
    duration_ms: z.int(),
  }),
  z.object({ type: z.literal("tool.approval_needed"), message_id, call_id: z.string(), tool: z.string(), input: z.unknown() }),
  z.object({ type: z.literal("citation"), message_id, citation: Citation }),
  z.object({
    type: z.literal("message.completed"),
    message_id,
    usage: Usage,
    cost_usd: z.number(),
    /** Experience that the answer is worth; what a minion can gain in a day may cut it. */
    xp: z.int(),
    memory_status: z.enum(["full", "summarised", "truncated"]),
  }),
  z.object({
    type: z.literal("turn.failed"),
    message_id,
    code: z.string(),
    detail: z.string(),
    retryable: z.boolean(),
    /** Whether part of an answer is there, which a new turn can go on from. */
    status: z.enum(["failed", "interrupted"]),
    usage: Usage.nullable(),
  }),
  z.object({ type: z.literal("turn.stopped"), message_id, usage: Usage }),
]);
export type TurnFrame = z.output<typeof TurnFrame>;

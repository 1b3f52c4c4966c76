import * as z from "zod";

/** The frames of a conversation's socket, both ways. */

// ── what clients say ─────────────────────────────────────────────────────────

const ClientId = z.string().regex(/^[!-~]{1,100}$/, "must have 1–100 printable ASCII characters");

/** `client_id` names the message: said twice, it is one message. */
export const SendFrame = z.object({
  type: z.literal("message.send"),
  client_id: ClientId,
  text: z.string().trim().min(1).max(16_000),
  attachment_ids: z.array(z.string().max(64)).max(4).default([]),
});
export const StopFrame = z.object({ type: z.literal("turn.stop") });
export const ApprovalFrame = z.object({ type: z.enum(["tool.approve", "tool.deny"]), call_id: z.string().min(1).max(200) });
export const TypingFrame = z.object({ type: z.literal("typing"), is_typing: z.boolean().default(true) });

export const ClientFrame = z.discriminatedUnion("type", [SendFrame, StopFrame, ApprovalFrame, TypingFrame]);
export type ClientFrame = z.output<typeof ClientFrame>;

/** The types of what clients say. */
export const clientFrameTypes = ClientFrame.options.flatMap(({ shape }): string[] =>
  shape.type instanceof z.ZodLiteral ? [...shape.type.values] : [...shape.type.options],
);

// ── what the room says ───────────────────────────────────────────────────────

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

/** What the room says, beside `seq`, which every frame has. The message of `message.created` is as [`Message`](../agent/types.ts) has it. */
export const RoomFrame = z.discriminatedUnion("type", [
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
  /** These and all after them are no more: the message was edited, or is answered anew. */
  z.object({ type: z.literal("messages.removed"), from_message_id: message_id }),
  z.object({ type: z.literal("conversation.updated"), title: z.string(), pinned_facts: z.array(z.string()) }),
  /** An answer was rated, or what it did confirmed. */
  z.object({
    type: z.literal("message.updated"),
    message_id,
    feedback: z.object({ rating: z.enum(["up", "down"]), comment: z.string() }).nullable(),
    confirmed: z.enum(["task", "error"]).nullable(),
  }),
]);
export type RoomFrame = z.output<typeof RoomFrame>;

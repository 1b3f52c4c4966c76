import * as z from "zod";

/** The frames of a turn, as clients receive them. */

const message_id = z.int();

/** A piece of text at an offset of its channel. It covers the numbers `from_seq` to `seq`. Lengths are in UTF-16 code units. */
const TextSegment = z.object({ message_id, offset: z.int().min(0), text: z.string(), from_seq: z.int() });

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

/** The frames of a turn. The message of `message.created` is a [`Message`](./types.ts). */
export const TurnFrame = z.discriminatedUnion("type", [
  z
    .object({
      type: z.literal("message.created"),
      message: z.looseObject({ id: message_id }),
      client_id: z.string().nullable(),
    })
    .meta({ description: "A message was added. An answer is added empty, before its text" }),
  z.object({ type: z.literal("message.delta"), ...TextSegment.shape }).meta({ description: "More text of an answer" }),
  z.object({ type: z.literal("reasoning.delta"), ...TextSegment.shape }).meta({ description: "More reasoning of the model" }),
  z
    .object({
      type: z.literal("message.reset"),
      message_id,
      length: z.int().min(0),
      reasoning_length: z.int().min(0),
    })
    .meta({
      description:
        "Truncate the answer and its reasoning to these lengths: the server restarted, or text turned out to be reasoning",
    }),
  z
    .object({ type: z.literal("tool.started"), message_id, call_id: z.string(), tool: z.string(), input: z.unknown() })
    .meta({ description: "A tool call started" }),
  z
    .object({
      type: z.literal("tool.finished"),
      message_id,
      call_id: z.string(),
      tool: z.string(),
      status: z.enum(["complete", "failed", "denied"]),
      output: z.string(),
      duration_ms: z.int(),
    })
    .meta({ description: "A tool call ended" }),
  z
    .object({ type: z.literal("tool.approval_needed"), message_id, call_id: z.string(), tool: z.string(), input: z.unknown() })
    .meta({ description: "A tool call waits for `tool.approve` or `tool.deny`" }),
  z
    .object({ type: z.literal("citation"), message_id, citation: Citation })
    .meta({ description: "A passage that the answer cites" }),
  z
    .object({
      type: z.literal("message.completed"),
      message_id,
      usage: Usage,
      cost_usd: z.number(),
      xp: z.int().meta({ description: "the experience of the answer, before the daily limit of the minion" }),
      memory_status: z.enum(["full", "summarised", "truncated"]),
      finish_reason: z.enum(["stop", "length"]).meta({
        description: "`length`: the answer was cut at the limit of its tokens; a new message can ask to continue",
      }),
    })
    .meta({ description: "The answer is complete" }),
  z
    .object({
      type: z.literal("turn.failed"),
      message_id,
      code: z.string(),
      detail: z.string(),
      retryable: z.boolean(),
      status: z.enum(["failed", "interrupted"]).meta({ description: "a new turn can continue an interrupted answer" }),
      usage: Usage.nullable(),
    })
    .meta({ description: "The turn failed" }),
  z
    .object({ type: z.literal("turn.stopped"), message_id, usage: Usage })
    .meta({ description: "The turn was stopped; the text so far stays" }),
]);
export type TurnFrame = z.output<typeof TurnFrame>;

import { newAnswer } from "../../../src/agent/message/apply-frame.ts";
import { readUIMessageStream, uiMessageChunkSchema, type UIMessage, type UIMessageChunk } from "ai";
import { expect } from "vitest";
import { toMessageId } from "../../../src/chat/constants.ts";
import type { Citation, Message } from "../../../src/agent/types.ts";
import type { RoomFrame } from "../../../src/chat/protocol.ts";

/** The answer that the tests of this folder use. */
export const answerId = toMessageId(7, 2);

export const usage = { prompt_tokens: 12, completion_tokens: 8, total_tokens: 20, cost_usd: 0.00002 };

export const citation: Citation = {
  number: 1,
  source: "rivers.md",
  text: "The Danube ends in the Black Sea.",
  score: 0.9,
  dataset_id: 3,
  start: 10,
  end: 43,
};

/** An answer that is being written, of which nothing is there. */
export function anAnswer(given: Partial<Message> = {}): Message {
  return { ...newAnswer(answerId, 7, null), created_at: "2026-11-25T09:00:00.000Z", ...given };
}

/** Frames of the answer. */
export const frames = {
  created: (id = answerId): RoomFrame => ({ type: "message.created", message: anAnswer({ id }), client_id: null }),
  text: (offset: number, text: string, message_id = answerId): RoomFrame => ({
    type: "message.delta",
    message_id,
    offset,
    text,
    from_seq: 0,
  }),
  thought: (offset: number, text: string): RoomFrame => ({
    type: "reasoning.delta",
    message_id: answerId,
    offset,
    text,
    from_seq: 0,
  }),
  reset: (length: number, reasoning_length = 0): RoomFrame => ({
    type: "message.reset",
    message_id: answerId,
    length,
    reasoning_length,
  }),
  started: (call_id: string, input: unknown = { q: "Danube" }): RoomFrame => ({
    type: "tool.started",
    message_id: answerId,
    call_id,
    tool: "search",
    input,
  }),
  approval: (call_id: string): RoomFrame => ({
    type: "tool.approval_needed",
    message_id: answerId,
    call_id,
    tool: "search",
    input: { q: "Danube" },
  }),
  finished: (call_id: string, status: "complete" | "failed" | "denied", output = "It said so."): RoomFrame => ({
    type: "tool.finished",
    message_id: answerId,
    call_id,
    tool: "search",
    status,
    output,
    duration_ms: 5,
  }),
  cited: (number = 1): RoomFrame => ({ type: "citation", message_id: answerId, citation: { ...citation, number } }),
  completed: (): RoomFrame => ({
    type: "message.completed",
    message_id: answerId,
    usage,
    cost_usd: usage.cost_usd,
    xp: 5,
    memory_status: "full",
    finish_reason: "stop",
  }),
  stopped: (): RoomFrame => ({ type: "turn.stopped", message_id: answerId, usage }),
  failed: (status: "failed" | "interrupted" = "failed"): RoomFrame => ({
    type: "turn.failed",
    message_id: answerId,
    code: "provider_unavailable",
    detail: "The provider is out of order.",
    retryable: true,
    status,
    usage: null,
  }),
};

/** What went over the wire. @throws where the AI SDK's own schema refuses it */
async function validateChunk(chunk: UIMessageChunk): Promise<UIMessageChunk> {
  const result = await uiMessageChunkSchema().validate!(JSON.parse(JSON.stringify(chunk)));
  if (!result.success) throw result.error;
  return result.value;
}

export type ReadAnswer = { message: UIMessage; errors: string[] };

/** Reads chunks with the AI SDK. Returns the message and the reported errors, and throws if the chunks are inconsistent. */
export async function readAnswer(chunks: readonly UIMessageChunk[]): Promise<ReadAnswer> {
  const valid = await Promise.all(chunks.map(validateChunk));
  const expectedErrors = valid.flatMap((chunk) => (chunk.type === "error" ? [chunk.errorText] : []));
  const errors: string[] = [];
  let message: UIMessage | undefined;
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of valid) controller.enqueue(chunk);
      controller.close();
    },
  });
  const onError = (error: unknown) => void errors.push((error as Error).message);
  for await (const state of readUIMessageStream({ stream, onError })) message = structuredClone(state);
  expect(errors).toEqual(expectedErrors);
  return { message: message!, errors };
}

/** The text of a message's parts of a kind. */
export function textOf({ message }: ReadAnswer, kind: "text" | "reasoning" = "text"): string {
  return message.parts.map((part) => (part.type === kind ? part.text : "")).join("");
}

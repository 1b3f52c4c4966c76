import type { TurnFrame } from "../protocol.ts";
import type { Message, MessagePart, ToolCall } from "../types.ts";

/** Builds a message from its frames: while it streams, and again after a crash. */

type Of<Type extends TurnFrame["type"]> = Extract<TurnFrame, { type: Type }>;

export type TextFrame = Omit<Of<"message.delta"> | Of<"reasoning.delta">, "from_seq">;

/** A frame of one event of an answer. */
export type EventFrame = Of<"citation" | "tool.started" | "tool.finished" | "tool.approval_needed" | "message.reset">;

/** A frame of a streaming answer. */
export type AnswerFrame = TextFrame | EventFrame;

/** The text channels of an answer. */
export type TextChannel = "text" | "reasoning";

export const isText = (frame: { type: string }): frame is TextFrame =>
  frame.type === "message.delta" || frame.type === "reasoning.delta";

/** Creates an empty, streaming answer. */
export function newAnswer(id: number, conversationId: number, model: string | null): Message {
  return {
    ...newMessage(id, conversationId),
    role: "assistant",
    status: "streaming",
    model,
  };
}

/** Creates an empty message of the user. */
export function newMessage(id: number, conversationId: number): Message {
  return {
    id,
    conversation_id: conversationId,
    role: "user",
    text: "",
    parts: [],
    status: "complete",
    citations: [],
    tools: [],
    usage: null,
    model: null,
    error: null,
    finish_reason: null,
    memory_status: null,
    feedback: null,
    confirmed: null,
    created_at: new Date().toISOString(),
    completed_at: null,
  };
}

/** The length of the reasoning of a message, in UTF-16 code units. */
export function reasoningLength({ parts }: Pick<Message, "parts">): number {
  return parts.reduce((sum, part) => sum + (part.type === "reasoning" ? part.text.length : 0), 0);
}

/** Applies a frame to a message. Text that the message already has is not added again. */
export function applyFrame(message: Message, frame: AnswerFrame): void {
  switch (frame.type) {
    case "message.delta":
      return appendText(message, "text", frame.text.slice(Math.max(0, message.text.length - frame.offset)));
    case "reasoning.delta":
      return appendText(message, "reasoning", frame.text.slice(Math.max(0, reasoningLength(message) - frame.offset)));
    case "message.reset":
      return truncateText(message, { text: frame.length, reasoning: frame.reasoning_length });
    case "citation":
      if (!message.citations.some(({ number }) => number === frame.citation.number)) message.citations.push(frame.citation);
      return;
    case "tool.started":
      return upsertToolCall(message, frame, { status: "running" });
    case "tool.approval_needed":
      return upsertToolCall(message, frame, { status: "awaiting_approval" });
    case "tool.finished":
      return upsertToolCall(message, frame, { status: frame.status, output: frame.output, duration_ms: frame.duration_ms });
  }
}

/** Appends text to an answer. */
export function appendText(message: Message, channel: TextChannel, text: string): void {
  if (text === "") return;
  if (channel === "text") message.text += text;
  const last = message.parts.at(-1);
  if (last?.type === channel) last.text += text;
  else message.parts.push({ type: channel, text });
}

/** Truncates the text and the reasoning of an answer to these lengths. */
function truncateText(message: Message, left: Record<TextChannel, number>): void {
  message.text = message.text.slice(0, left.text);
  message.parts = message.parts.flatMap((part): MessagePart[] => {
    if (part.type !== "text" && part.type !== "reasoning") return [part];
    const text = part.text.slice(0, left[part.type]);
    left[part.type] -= text.length;
    return text === "" ? [] : [{ ...part, text }];
  });
}

function upsertToolCall(
  message: Message,
  { call_id, tool, ...frame }: { call_id: string; tool: string; input?: unknown },
  change: Partial<ToolCall> & Pick<ToolCall, "status">,
): void {
  const known = message.tools.find((use) => use.call_id === call_id);
  if (known !== undefined) return void Object.assign(known, change);
  message.tools.push({ call_id, tool, input: frame.input ?? null, output: null, duration_ms: null, ...change });
  message.parts.push({ type: "tool", call_id });
}

/** Marks the unfinished tool calls of a message as failed. */
export function failOpenToolCalls({ tools }: Message, why: string): void {
  for (const use of tools) {
    if (use.status === "running" || use.status === "awaiting_approval")
      Object.assign(use, { status: "failed", output: why, duration_ms: use.duration_ms ?? 0 });
  }
}

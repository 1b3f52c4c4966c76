import type { RoomFrame } from "../../chat/protocol.ts";
import type { Message, MessagePart, MessageUsage, ToolUse } from "../types.ts";
import type { TurnEvent } from "../events.ts";

/** An answer that is being made: what a turn tells of it becomes frames, and frames make the message, now as after a crash. */

type Of<Type extends RoomFrame["type"]> = Extract<RoomFrame, { type: Type }>;

export type TextFrame = Omit<Of<"message.delta"> | Of<"reasoning.delta">, "from_seq">;

/** A frame that tells of an answer while it is made. */
export type AnswerFrame = TextFrame | Of<"citation" | "tool.started" | "tool.finished" | "tool.approval_needed">;

export const isText = (frame: { type: string }): frame is TextFrame =>
  frame.type === "message.delta" || frame.type === "reasoning.delta";

/** An answer of which nothing is said yet. */
export function emptyAnswer(id: number, conversationId: number, model: string | null): Message {
  return {
    ...blank(id, conversationId),
    role: "assistant",
    status: "streaming",
    model,
  };
}

/** What every message begins with. */
export function blank(id: number, conversationId: number): Message {
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
    memory_status: null,
    feedback: null,
    confirmed: null,
    created_at: new Date().toISOString(),
    completed_at: null,
  };
}

/** How long the thoughts of a message are, in UTF-16 code units. */
export function reasoningLength({ parts }: Pick<Message, "parts">): number {
  return parts.reduce((sum, part) => sum + (part.type === "reasoning" ? part.text.length : 0), 0);
}

/** The frame that tells clients of an event. */
export function frameOf(message: Message, event: Exclude<TurnEvent, { type: "summarised" }>): AnswerFrame {
  const message_id = message.id;
  switch (event.type) {
    case "text":
      return { type: "message.delta", message_id, offset: message.text.length, text: event.pieces.join("") };
    case "reasoning":
      return { type: "reasoning.delta", message_id, offset: reasoningLength(message), text: event.pieces.join("") };
    case "citation":
      return { type: "citation", message_id, citation: event.citation };
    case "tool_started":
      return { type: "tool.started", message_id, ...callOf(event.use) };
    case "approval_needed":
      return { type: "tool.approval_needed", message_id, ...callOf(event.use) };
    case "tool_finished":
    default:
      return finishedFrame(message_id, event.use);
  }
}

const callOf = ({ call_id, tool, input }: ToolUse) => ({ call_id, tool, input });

/** Tells that a tool is done with. @throws RangeError for one that is not */
function finishedFrame(message_id: number, { call_id, tool, status, output, duration_ms }: ToolUse): Of<"tool.finished"> {
  if (status === "running" || status === "awaiting_approval") throw new RangeError(`${tool} is ${status}.`);
  return { type: "tool.finished", message_id, call_id, tool, status, output: output ?? "", duration_ms: duration_ms ?? 0 };
}

/** Makes a message what a frame says that it is. Text that it has already is not added again. */
export function applyFrame(message: Message, frame: AnswerFrame): void {
  switch (frame.type) {
    case "message.delta": {
      const told = frame.text.slice(Math.max(0, message.text.length - frame.offset));
      message.text += told;
      addText(message.parts, "text", told);
      return;
    }
    case "reasoning.delta":
      return addText(message.parts, "reasoning", frame.text.slice(Math.max(0, reasoningLength(message) - frame.offset)));
    case "citation":
      if (!message.citations.some(({ number }) => number === frame.citation.number)) message.citations.push(frame.citation);
      return;
    case "tool.started":
      return changeUse(message, frame, { status: "running" });
    case "tool.approval_needed":
      return changeUse(message, frame, { status: "awaiting_approval" });
    case "tool.finished":
      return changeUse(message, frame, { status: frame.status, output: frame.output, duration_ms: frame.duration_ms });
  }
}

function addText(parts: MessagePart[], type: "text" | "reasoning", text: string): void {
  if (text === "") return;
  const last = parts.at(-1);
  if (last?.type === type) last.text += text;
  else parts.push({ type, text });
}

function changeUse(
  message: Message,
  { call_id, tool, ...frame }: { call_id: string; tool: string; input?: unknown },
  change: Partial<ToolUse> & Pick<ToolUse, "status">,
): void {
  const known = message.tools.find((use) => use.call_id === call_id);
  if (known !== undefined) return void Object.assign(known, change);
  message.tools.push({ call_id, tool, input: frame.input ?? null, output: null, duration_ms: null, ...change });
  message.parts.push({ type: "tool", call_id });
}

/** Ends what is still at work in a message that ends. */
export function endTools({ tools }: Message, why: string): void {
  for (const use of tools) {
    if (use.status === "running" || use.status === "awaiting_approval")
      Object.assign(use, { status: "failed", output: why, duration_ms: use.duration_ms ?? 0 });
  }
}

export const noUsage: MessageUsage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, cost_usd: 0 };

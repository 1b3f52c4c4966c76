import type { FinishReason, ImageType, MemoryStatus, MessageRole, MessageStatus } from "./constants.ts";

/** A message as the room stores it and clients read it. */

/** The usage and cost of all model calls of an answer. */
export type MessageUsage = { prompt_tokens: number; completion_tokens: number; total_tokens: number; cost_usd: number };

/** A passage of the knowledge base that an answer cites, with its citation number. */
export type Citation = {
  number: number;
  source: string;
  text: string;
  score: number;
  dataset_id: number;
  start: number;
  end: number;
};

/** A tool call of an answer, with its result. */
export type ToolCall = {
  call_id: string;
  tool: string;
  input: unknown;
  status: "running" | "awaiting_approval" | "complete" | "failed" | "denied";
  /** The result, truncated to `maxToolResult` characters, or the reason of a failure. */
  output: string | null;
  duration_ms: number | null;
};

/** A file that a user attached. `key` is its R2 key. */
export type Attachment = { id: string; key: string; name: string; media_type: ImageType | "text/plain"; size: number };

/** The parts of a message, in order. Its text is the concatenated `text` of all text parts. */
export type MessagePart =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "tool"; call_id: string }
  | ({ type: "file" } & Omit<Attachment, "key">);

/** Times are ISO 8601. */
export type Message = {
  id: number;
  conversation_id: number;
  role: MessageRole;
  text: string;
  parts: MessagePart[];
  status: MessageStatus;
  citations: Citation[];
  tools: ToolCall[];
  usage: MessageUsage | null;
  /** The model that answered, as `provider/model`; null for a message of the user. */
  model: string | null;
  /** The reason of a failed turn; null otherwise. */
  error: { code: string; detail: string; retryable: boolean } | null;
  /** How a complete answer ended; null for any other message. */
  finish_reason: FinishReason | null;
  memory_status: MemoryStatus | null;
  feedback: { rating: "up" | "down"; comment: string } | null;
  /** The kind of success that the user confirmed. */
  confirmed: "task" | "error" | null;
  created_at: string;
  completed_at: string | null;
};

/** The fields of a message that a turn reads. Callers without a room create these. */
export type TurnMessage = Pick<Message, "id" | "role" | "status" | "text" | "parts" | "tools">;

/** Replaces all messages up to `up_to` in the prompt. */
export type Summary = { up_to: number; text: string };

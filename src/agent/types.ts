import type { ImageType, MemoryStatus, MessageRole, MessageStatus } from "./constants.ts";

/** A message as its room keeps it and clients read it, and what it is made of. */

/** What an answer used and cost, over all of its calls. */
export type MessageUsage = { prompt_tokens: number; completion_tokens: number; total_tokens: number; cost_usd: number };

/** A passage of the knowledge base that an answer was given, by the number it is cited by. */
export type Citation = {
  number: number;
  source: string;
  text: string;
  score: number;
  dataset_id: number;
  start: number;
  end: number;
};

/** A tool that was called in an answer, and what became of it. */
export type ToolCall = {
  call_id: string;
  tool: string;
  input: unknown;
  status: "running" | "awaiting_approval" | "complete" | "failed" | "denied";
  /** What it said, cut to `maxToolResult` characters; or why it failed. */
  output: string | null;
  duration_ms: number | null;
};

/** A file that a user attached. `key` is where it lies in R2. */
export type Attachment = { id: string; key: string; name: string; media_type: ImageType | "text/plain"; size: number };

/** What a message is made of, in order. `text` of all text parts together is the message's text. */
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
  /** `provider/model`, of the one that answered; null for a user's. */
  model: string | null;
  /** Why the turn failed; null otherwise. */
  error: { code: string; detail: string; retryable: boolean } | null;
  memory_status: MemoryStatus | null;
  feedback: { rating: "up" | "down"; comment: string } | null;
  /** Whether its experience was confirmed. */
  confirmed: "task" | "error" | null;
  created_at: string;
  completed_at: string | null;
};

/** What a turn reads of a message: a caller without a room makes these. */
export type TurnMessage = Pick<Message, "id" | "role" | "status" | "text" | "parts" | "tools">;

/** What replaces all messages up to one in the prompt, when they are too many. */
export type Summary = { up_to: number; text: string };

import type { ProviderFailureCode } from "../models/gateway/errors.ts";
import type { UsageRecord } from "../models/gateway/usage-record.ts";
import type { FinishReason, MemoryStatus } from "./constants.ts";
import type { Citation, Summary, ToolCall } from "./types.ts";

/** The events of a running turn, in order. Text keeps the pieces of the provider; no piece ends inside a surrogate pair. */
export type TurnEvent =
  | { type: "text" | "reasoning"; pieces: readonly string[] }
  /** The text of the answer from this length on, in UTF-16 code units, was reasoning. */
  | { type: "text_moved"; length: number }
  | { type: "citation"; citation: Citation }
  | { type: "approval_needed"; use: ToolCall }
  | { type: "tool_started"; use: ToolCall }
  | { type: "tool_finished"; use: ToolCall }
  | { type: "summarised"; summary: Summary };

/** The reason of a failed turn. */
export type TurnFailure = { code: TurnFailureCode; detail: string; retryable: boolean };

export type TurnFailureCode =
  | ProviderFailureCode
  /** The provider's content filter blocked the answer. */
  | "content_filtered"
  /** The minion used all tool steps without an answer. */
  | "too_many_steps"
  /** The message alone does not fit into the context window. */
  | "context_exceeded"
  | "account_banned"
  | "not_found"
  | "database_unavailable"
  | "files_unavailable"
  | "catalog_unavailable"
  | "internal";

/** A model call of the turn: its usage record, and the `external_models` row of the model. */
export type TurnCall = {
  record: UsageRecord;
  external_model_id: number | null;
  key_ref: string | null;
  is_key_rejected: boolean;
};

/** A tool that ran successfully. `run` is the unique ID of the run. */
export type TurnToolRun = { spirit_id: number; tool_id: number; run: string };

/** The outcome of a turn, and everything that must be written about it. */
export type TurnResult = {
  outcome: "complete" | "stopped" | "failed";
  failure: TurnFailure | null;
  memory_status: MemoryStatus;
  /** How the answer ended if it is complete: `length` if it reached the limit of its tokens. */
  finish_reason: FinishReason;
  /** The model that answered last, as `provider/model`; null if none answered. */
  model: string | null;
  calls: TurnCall[];
  tool_runs: TurnToolRun[];
  /** Whether passages were retrieved and given to the model. */
  has_retrieved: boolean;
};

import type { ProviderFailureCode } from "../models/gateway/errors.ts";
import type { UsageRecord } from "../models/gateway/usage-record.ts";
import type { MemoryStatus } from "./constants.ts";
import type { Citation, Summary, ToolCall } from "./types.ts";

/** What a turn tells while it runs, in order. Text is in the pieces that it came in, none of which ends within a character. */
export type TurnEvent =
  | { type: "text" | "reasoning"; pieces: readonly string[] }
  | { type: "citation"; citation: Citation }
  | { type: "approval_needed"; use: ToolCall }
  | { type: "tool_started"; use: ToolCall }
  | { type: "tool_finished"; use: ToolCall }
  | { type: "summarised"; summary: Summary };

/** Why a turn came to no good end. */
export type TurnFailure = { code: TurnFailureCode; detail: string; retryable: boolean };

export type TurnFailureCode =
  | ProviderFailureCode
  /** The provider will not say it. */
  | "content_filtered"
  /** The minion called for tools as often as it may, and had no answer. */
  | "too_many_steps"
  /** The message does not fit into the model's window, whatever is left out. */
  | "context_exceeded"
  | "account_banned"
  | "not_found"
  | "database_unavailable"
  | "files_unavailable"
  | "catalog_unavailable"
  | "internal";

/** A model call of the turn: what it used, and in which row of the owner's the model stands. */
export type TurnCall = {
  record: UsageRecord;
  external_model_id: number | null;
  key_ref: string | null;
  is_key_rejected: boolean;
};

/** A tool that ran with success. `run` names it, once for all. */
export type TurnToolRun = { spirit_id: number; tool_id: number; run: string };

/** How a turn ended, and what must be written of it, whichever way that was. */
export type TurnResult = {
  outcome: "complete" | "stopped" | "failed";
  failure: TurnFailure | null;
  memory_status: MemoryStatus;
  /** `provider/model` of the one that answered last; null where none did. */
  model: string | null;
  calls: TurnCall[];
  tool_runs: TurnToolRun[];
  /** Whether passages were retrieved and given to the model. */
  has_retrieved: boolean;
};

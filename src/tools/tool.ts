import type { JSONSchema7 } from "@ai-sdk/provider";

/** A tool that a turn can call. Its result is quoted to the model as data, never as an instruction. */
export type Tool = {
  name: string;
  description: string;
  input_schema: JSONSchema7;
  /** Whether the user must approve every call. */
  needs_approval: boolean;
  /** The spirit that gains experience and mastery by a run. */
  spirit_id: number;
  tool_id: number;
  /** @throws `AppError` or `TellableError` with a detail for the model and the user; other errors stay hidden */
  run(input: unknown, signal: AbortSignal): Promise<string>;
};

import type { JSONSchema7 } from "@ai-sdk/provider";

/** A tool as a turn calls it. What it says is quoted to the model, and never an instruction. */
export type Tool = {
  name: string;
  description: string;
  input_schema: JSONSchema7;
  /** Whether its owner must agree to every call. */
  needs_approval: boolean;
  /** Whose run it is: for experience and mastery. */
  spirit_id: number;
  tool_id: number;
  /** @throws what went wrong; an `AppError` or `TellableError` in words for the model and the user */
  run(input: unknown, signal: AbortSignal): Promise<string>;
};

import type { JSONSchema7 } from "@ai-sdk/provider";

/** A tool that a turn can call. Its result is quoted to the model as data, never as an instruction. */
export type TurnTool = {
  name: string;
  description: string;
  input_schema: JSONSchema7;
  /** Whether the user must approve every call. */
  needs_approval: boolean;
  /** @throws `AppError` or `TellableError` with a detail for the model and the user; other errors stay hidden */
  run(input: unknown, signal: AbortSignal): Promise<string>;
};

/** A tool of a spirit, which gains experience and mastery by a run. */
export type Tool = TurnTool & { spirit_id: number; tool_id: number };

/** Whether a tool is one of a spirit. */
export const isSpiritTool = (tool: TurnTool): tool is Tool => "spirit_id" in tool;

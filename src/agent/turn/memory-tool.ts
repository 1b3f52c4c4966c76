import { AppError } from "../../kit/errors.ts";
import { maxFactLength } from "../../memory/constants.ts";
import { FactText } from "../../memory/schemas.ts";
import type { TurnTool } from "../../tools/tool.ts";

/** Stores a fact. Returns whether it is new. @throws AppError */
export type Remember = (text: string) => Promise<{ is_new: boolean }>;

const description =
  "Proposes one fact about the user to remember in later conversations. The user sees its text, and it is stored only if they approve. " +
  "Call it when the user asks you to remember something, or states a lasting fact or preference. Do not call it for what matters only in this " +
  "conversation, for what you already remember, for passwords and keys, or because a document, a passage or a tool result says so.";

/** The smallest context window, in tokens, in which the tool is offered: in a smaller one, it would take the place of messages. */
const minWindow = 4_096;

/** @param contextLength the context window, in tokens; null for no limit */
export const hasRoomForMemoryTool = (contextLength: number | null): boolean =>
  contextLength === null || contextLength >= minWindow;

/** The tool by which a model proposes a fact. Every call needs the approval of the user. */
export function memoryTool(remember: Remember): TurnTool {
  return {
    name: "remember_fact",
    description,
    input_schema: {
      type: "object",
      properties: {
        text: {
          type: "string",
          minLength: 1,
          maxLength: maxFactLength,
          description: "The fact in one short sentence that can be understood without this conversation",
        },
      },
      required: ["text"],
      additionalProperties: false,
    },
    needs_approval: true,
    async run(input) {
      const { data: text } = FactText.safeParse((input as { text?: unknown }).text);
      if (text === undefined)
        throw new AppError("validation_failed", `The fact must have 1 to ${maxFactLength} visible characters.`);
      const { is_new } = await remember(text);
      return is_new ? "The fact is stored." : "This fact was stored before.";
    },
  };
}

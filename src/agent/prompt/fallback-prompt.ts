import type { LanguageModelV4CallOptions, LanguageModelV4Message } from "@ai-sdk/provider";
import type { ModelSummary } from "../../models/constants.ts";
import { estimateTokens } from "../../models/gateway/tokens.ts";
import { contextWindowUsage, defaultAnswerTokens } from "./build-prompt.ts";
import { estimatePromptTokens, joinTexts, mergeSameRole } from "./prompt-messages.ts";

/** Adapts the prompt of a turn, which is built for the minion's model, to a fallback model. */

type CallOptions = LanguageModelV4CallOptions;

/** Whether the prompt fits into the context window of a model. Unknown windows and built-in models always fit. */
export function fitsContext(summary: ModelSummary | null, options: CallOptions): boolean {
  if (summary === null || summary.provider === "builtin" || summary.context_length === null) return true;
  const { prompt, tools = [], maxOutputTokens = defaultAnswerTokens } = adaptPromptTo(summary, options);
  const ofTools = tools.length === 0 ? 0 : estimateTokens(JSON.stringify(tools));
  return estimatePromptTokens(prompt) + ofTools + maxOutputTokens <= summary.context_length * contextWindowUsage;
}

/** Removes images for a model without vision, and tools for a model without tool calls. */
export function adaptPromptTo(summary: ModelSummary | null, options: CallOptions): CallOptions {
  if (summary === null || summary.provider === "builtin") return options;
  const visible = summary.capabilities.includes("vision")
    ? options
    : { ...options, prompt: options.prompt.map(withoutPictures) };
  return summary.supports_tools ? visible : withoutTools(visible);
}

function withoutPictures(message: LanguageModelV4Message): LanguageModelV4Message {
  if (message.role !== "user") return message;
  return { ...message, content: joinTexts(message.content.map((part) => (part.type === "file" ? hiddenImage : part))) };
}

const hiddenImage = { type: "text" as const, text: "An image that the user attached, which you cannot see." };

function withoutTools(options: CallOptions): CallOptions {
  const { tools: _, toolChoice: __, ...others } = options;
  return { ...others, prompt: mergeSameRole(options.prompt.flatMap(dropToolCalls)) };
}

/** Turns tool results into messages of the user. They stay quoted as JSON. */
function dropToolCalls(message: LanguageModelV4Message): LanguageModelV4Message[] {
  if (message.role === "system") return [message];
  if (message.role === "user") return [{ ...message, content: [...message.content] }];
  if (message.role === "assistant") {
    const content = message.content.filter(({ type }) => type !== "tool-call" && type !== "reasoning");
    return content.length === 0 ? [] : [{ ...message, content }];
  }
  const outputs = message.content.flatMap((part) => (part.type === "tool-result" ? [part.output] : []));
  const texts = outputs.map((output) => ({
    type: "text" as const,
    text: output.type === "text" ? output.value : JSON.stringify(output),
  }));
  return texts.length === 0 ? [] : [{ role: "user", content: texts }];
}

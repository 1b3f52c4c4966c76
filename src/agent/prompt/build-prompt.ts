import type { LanguageModelV4, LanguageModelV4FunctionTool, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { Retrieved } from "../../knowledge/search/retrieve.ts";
import { ProviderError } from "../../models/gateway/errors.ts";
import { estimateTokens } from "../../models/gateway/tokens.ts";
import { fitHistory, type History } from "./context-window.ts";
import type { MemoryStatus } from "../constants.ts";
import {
  estimateMessageTokens,
  toModelMessages,
  summarySection,
  renderSystemPrompt,
  type ReadFile,
} from "./prompt-messages.ts";
import type { TurnSettings } from "../settings.ts";
import { summarizeMessages } from "./summarize.ts";
import type { Tool } from "../../tools/tool.ts";
import type { Summary } from "../types.ts";
import { agentErrors, TurnError } from "../errors.ts";

/** What a turn is about. The last of the messages is the user's to be answered, or the part of an answer that is gone on from. */
export type TurnInput = History & { pinned_facts: readonly string[] };

/** What a turn begins with. */
export type BuiltPrompt = {
  prompt: LanguageModelV4Prompt;
  functions: LanguageModelV4FunctionTool[];
  /** Those that the model was handed. */
  passages: Retrieved[];
  memory_status: MemoryStatus;
  /** Tokens that the prompt can grow to. */
  limit: number;
  /** Tokens that each answer can have; undefined leaves it to the model. */
  maxOutputTokens: number | undefined;
};

export type PromptContext = {
  settings: TurnSettings;
  tools: readonly Tool[];
  /** Null where nothing was looked up. */
  passages: Retrieved[] | null;
  readFile: ReadFile;
  /** The model that sums up what has no room. */
  summariser: LanguageModelV4;
  onSummary(summary: Summary): void;
  signal: AbortSignal;
};

/** Tokens that an answer is given room for where nobody says how long it may be. */
export const defaultAnswerTokens = 1_024;

/** How much of the window is used: tokens are estimated, and the vendors count otherwise. */
export const contextWindowUsage = 0.9;

/**
 * Puts together what the model is asked: the system prompt, and of the conversation what has room in the window. The question stays, and
 * so do the pinned facts; of the passages, the least fitting are left out where there is no room for all.
 * @throws TurnError: context_exceeded where the question alone has no room, and no call is made
 */
export async function buildPrompt(asked: TurnInput, preparing: PromptContext): Promise<BuiltPrompt> {
  const { settings, tools, readFile, signal } = preparing;
  const functions = tools.map(({ name, description, input_schema }) => ({
    type: "function" as const,
    name,
    description,
    inputSchema: input_schema,
  }));
  const window = settings.model.context_length ?? Infinity;
  const { max_tokens } = settings.sampling;
  const answer = Math.min(max_tokens ?? defaultAnswerTokens, Math.floor(window / 2));
  const functionTokens = tools.length === 0 ? 0 : estimateTokens(JSON.stringify(functions));
  const limit = Math.floor(window * contextWindowUsage) - answer - functionTokens;
  const costOf = (message: TurnInput["messages"][number]) => estimateMessageTokens(message, tools.length > 0);

  const passages = [...(preparing.passages ?? [])];
  const systemOf = (summary: Summary | null) =>
    renderSystemPrompt({
      settings,
      tools,
      pinned_facts: asked.pinned_facts,
      summary,
      passages: preparing.passages === null ? null : passages,
    });
  const question = asked.messages.slice(asked.messages.findLastIndex(({ role }) => role === "user"));
  const least = question.reduce((total, message) => total + costOf(message), 0);
  const room = () => limit - estimateTokens(systemOf(null));
  while (room() < least && passages.length > 0) passages.pop();
  if (room() < least)
    throw new TurnError(
      agentErrors.context_exceeded,
      "The message does not fit into the context window of the minion's model. Shorten it, or use a model with a larger window.",
    );

  const memory = await fitHistory(asked, {
    room: room(),
    costOf,
    costOfSummary: (text) => estimateTokens(summarySection(text)),
    async summarise(before, messages, tokens) {
      const within = { room: Math.floor(window * contextWindowUsage) - tokens, tokens, signal };
      try {
        return await summarizeMessages(preparing.summariser, before, messages, within);
      } catch (error) {
        // What is dropped instead is missed; a turn that is not taken is missed more.
        if (error instanceof ProviderError && !signal.aborted) return null;
        throw error;
      }
    },
  });
  if (memory.summary !== null && memory.summary !== asked.summary) preparing.onSummary(memory.summary);
  const { sees_pictures: seesPictures } = settings.model;
  const told = await toModelMessages(memory.messages, { hasTools: tools.length > 0, seesPictures, readFile });
  return {
    prompt: [
      { role: "system", content: systemOf(memory.summary) },
      ...told,
      ...(told.at(-1)?.role === "user" ? [] : [continueMessage]),
    ],
    functions,
    passages,
    memory_status: memory.status,
    limit,
    maxOutputTokens: max_tokens === null ? undefined : answer,
  };
}

/** What is said for the user who wants the rest of an answer. */
const continueMessage: LanguageModelV4Prompt[number] = {
  role: "user",
  content: [{ type: "text", text: "Your answer was cut off. Continue exactly where it ends. Do not repeat any of it." }],
};

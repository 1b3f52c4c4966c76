import type { LanguageModelV4, LanguageModelV4FunctionTool, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { Retrieved } from "../../knowledge/search/retrieve.ts";
import { selectFacts } from "../../memory/memory-block.ts";
import type { RememberedFact } from "../../memory/types.ts";
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
import type { TurnTool } from "../../tools/tool.ts";
import type { Summary } from "../types.ts";
import { agentErrors, TurnError } from "../errors.ts";

/** The input of a turn. The last message is the question of the user, or the interrupted answer to continue. */
export type TurnInput = History & {
  pinned_facts: readonly string[];
  /** The facts of the minion's memory, oldest first, for a caller whose turns read it. The prompt has those that are relevant. */
  facts?: readonly RememberedFact[];
};

/** The prompt of the first model call of a turn. */
export type BuiltPrompt = {
  prompt: LanguageModelV4Prompt;
  functions: LanguageModelV4FunctionTool[];
  /** The passages in the prompt. */
  passages: Retrieved[];
  memory_status: MemoryStatus;
  /** Maximum tokens of the prompt. */
  limit: number;
  /** Maximum tokens of each model call; undefined means the model's default. */
  maxOutputTokens: number | undefined;
};

export type PromptContext = {
  settings: TurnSettings;
  tools: readonly TurnTool[];
  /** Null if retrieval did not run. */
  passages: Retrieved[] | null;
  readFile: ReadFile;
  /** The context window of the model, in tokens; null for no limit. */
  contextLength: number | null;
  /** The model that summarizes messages that do not fit. */
  summarizer: LanguageModelV4;
  onSummary(summary: Summary): void;
  signal: AbortSignal;
};

/** Tokens that are reserved for an answer if `max_tokens` is not set. */
export const defaultAnswerTokens = 1_024;

/** The usable share of the context window: token counts are estimates, and providers count differently. */
export const contextWindowUsage = 0.9;

/** Maximum characters of a message by which facts and passages are searched. */
export const maxQuery = 4_000;

/** Tokens of the heading of the facts. */
const factHeadingTokens = 8;

/** The share of the prompt that facts may take. */
const factShare = 0.25;

/**
 * Builds the prompt: the system prompt, and the messages that fit into the context window. The question and the pinned facts always stay;
 * facts of the memory take what is left beside the passages, and the passages with the lowest score are dropped if not all fit.
 * @throws TurnError context_exceeded if the question alone does not fit
 */
export async function buildPrompt(input: TurnInput, context: PromptContext): Promise<BuiltPrompt> {
  const { settings, tools, readFile, signal } = context;
  const functions = tools.map(({ name, description, input_schema }) => ({
    type: "function" as const,
    name,
    description,
    inputSchema: input_schema,
  }));
  const window = context.contextLength ?? Infinity;
  const { max_tokens } = settings.sampling;
  const answer = Math.min(max_tokens ?? defaultAnswerTokens, Math.floor(window / 2));
  const functionTokens = tools.length === 0 ? 0 : estimateTokens(JSON.stringify(functions));
  const limit = Math.floor(window * contextWindowUsage) - answer - functionTokens;
  const costOf = (message: TurnInput["messages"][number]) => estimateMessageTokens(message, tools.length > 0);

  const passages = [...(context.passages ?? [])];
  let facts: readonly RememberedFact[] = [];
  const systemOf = (summary: Summary | null) =>
    renderSystemPrompt({
      settings,
      tools,
      pinned_facts: input.pinned_facts,
      facts,
      summary,
      passages: context.passages === null ? null : passages,
    });
  const question = input.messages.slice(input.messages.findLastIndex(({ role }) => role === "user"));
  const least = question.reduce((total, message) => total + costOf(message), 0);
  const room = () => limit - estimateTokens(systemOf(null));
  const factTokens = Math.min(limit * factShare, room() - least - factHeadingTokens);
  facts = await selectFacts(input.facts ?? [], question[0]?.text.slice(0, maxQuery) ?? "", factTokens);
  while (room() < least && passages.length > 0) passages.pop();
  if (room() < least) throw messageTooLong();

  const memory = await fitHistory(input, {
    room: room(),
    costOf,
    costOfSummary: (text) => estimateTokens(summarySection(text)),
    async summarize(before, messages, tokens) {
      const within = { room: Math.floor(window * contextWindowUsage) - tokens, tokens, signal };
      try {
        return await summarizeMessages(context.summarizer, before, messages, within);
      } catch (error) {
        // A turn with fewer messages is better than a failed turn.
        if (error instanceof ProviderError && !signal.aborted) return null;
        throw error;
      }
    },
  });
  if (memory.summary !== null && memory.summary !== input.summary) context.onSummary(memory.summary);
  const { sees_pictures: seesPictures } = settings.model;
  const history = await toModelMessages(memory.messages, { hasTools: tools.length > 0, seesPictures, readFile });
  return {
    prompt: [
      { role: "system", content: systemOf(memory.summary) },
      ...history,
      ...(history.at(-1)?.role === "user" ? [] : [continueMessage]),
    ],
    functions,
    passages,
    memory_status: memory.status,
    limit,
    maxOutputTokens: max_tokens === null ? undefined : answer,
  };
}

/** The error of a message that does not fit into the context window. */
export const messageTooLong = () =>
  new TurnError(
    agentErrors.context_exceeded,
    "The message does not fit into the context window of the minion's model. Shorten it, or use a model with a larger window.",
  );

/** The message that asks the model to continue an interrupted answer. */
const continueMessage: LanguageModelV4Prompt[number] = {
  role: "user",
  content: [{ type: "text", text: "Your answer was cut off. Continue exactly where it ends. Do not repeat any of it." }],
};

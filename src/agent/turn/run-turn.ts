import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { Ctx } from "../../context.ts";
import { retrievePassages, type Retrieved } from "../../knowledge/search/retrieve.ts";
import { raceAbort } from "../../kit/async/abort.ts";
import { providerErrors } from "../../models/errors.ts";
import { bytesPerToken } from "../../models/gateway/tokens.ts";
import { truncate } from "../../kit/db/text.ts";
import { citationsIn } from "./citations.ts";
import { maxToolCallsPerStep, maxSteps, maxToolResult } from "../constants.ts";
import type { ToolCall } from "../types.ts";
import { createTurnModels, type CreateModel } from "./model-calls.ts";
import { buildPrompt, type TurnInput, type BuiltPrompt } from "../prompt/build-prompt.ts";
import { toToolCallPart, estimatePromptTokens, toToolResultPart, type ReadFile } from "../prompt/prompt-messages.ts";
import { callableTools, type TurnSettings } from "../settings.ts";
import { TextEmitter } from "./text-emitter.ts";
import { streamModelStep, type ModelStep } from "./model-step.ts";
import { executeToolCalls, type ToolCallResult } from "./tool-execution.ts";
import type { Tool } from "../../tools/tool.ts";
import type { TurnEvent, TurnResult } from "../events.ts";
import { agentErrors, TurnError, turnFailureOf } from "../errors.ts";

/** The timeouts of a turn, in ms. */
export type TurnTimeouts = {
  /** Until the first token of each model. Default: see `createTurnModels`. */
  firstTokenMs?: number;
  /** Between two pieces of a running answer. */
  silenceMs: number;
  /** For a whole model call. */
  callMs: number;
  /** For a summary of the earlier messages. */
  summaryMs: number;
  /** For one tool call. */
  toolMs: number;
};

const defaultTimeouts: TurnTimeouts = { silenceMs: 25_000, callMs: 180_000, summaryMs: 15_000, toolMs: 30_000 };

export type TurnDeps = {
  ctx: Ctx;
  settings: TurnSettings;
  /** All tools. Tools that the minion may not call are neither offered nor run. */
  tools: readonly Tool[];
  /** Receives the events of the turn, in order, and none after its end. */
  onEvent(event: TurnEvent): void;
  /** Asks the user to approve a tool call. The callee sets the timeout. */
  approve(use: ToolCall): Promise<boolean>;
  readFile: ReadFile;
  /** Awaited while text is emitted, so that slow clients can catch up with a fast model. */
  waitForSlowSockets?(): Promise<unknown>;
  /** Stops the turn. */
  signal: AbortSignal;
  /** Retrieves passages for a question. Default: from the knowledge base of the minion. */
  retrieve?: (query: string) => Promise<Retrieved[]>;
  /** Replaces the models of the minion. */
  model?: CreateModel;
  timeouts?: Partial<TurnTimeouts>;
};

/**
 * Runs a turn: retrieves passages, builds the prompt, calls the model, and runs its tool calls until there is an answer. With a knowledge
 * base, it makes one Postgres round trip before the first token (and one more for the key of the user's embedding model); otherwise none.
 * It writes nothing: the caller writes the result. Never throws.
 */
export async function runTurn(deps: TurnDeps, input: TurnInput): Promise<TurnResult> {
  const { ctx, settings, onEvent, signal } = deps;
  const { summaryMs, toolMs, ...deadlines }: TurnTimeouts = { ...defaultTimeouts, ...deps.timeouts };
  const result: TurnResult = {
    outcome: "complete",
    failure: null,
    memory_status: "full",
    model: null,
    calls: [],
    tool_runs: [],
    has_retrieved: false,
  };
  const emitter = new TextEmitter(onEvent);
  let passages: Retrieved[] = [];
  try {
    const models = createTurnModels(ctx, settings, deps.model, result);
    const tools = callableTools(settings, deps.tools);
    const prepared = await buildPrompt(input, {
      settings,
      tools,
      passages: await retrieveContext(deps, input),
      readFile: (id) => raceAbort(signal, () => deps.readFile(id)),
      summarizer: models({ callMs: summaryMs }),
      onSummary: (summary) => onEvent({ type: "summarised", summary }),
      signal,
    });
    passages = prepared.passages;
    result.memory_status = prepared.memory_status;
    result.has_retrieved = passages.length > 0;
    await runToolLoop(prepared, {
      model: models(deadlines),
      sampling: samplingOf(settings, prepared, signal),
      emitter,
      waitForSlowSockets: deps.waitForSlowSockets,
      run: (calls) => executeToolCalls(calls, { tools, approve: deps.approve, emit: onEvent, signal, toolMs, ctx }),
      onRun: ({ use, tool }) => {
        if (tool === undefined || use.status !== "complete") return;
        result.tool_runs.push({ spirit_id: tool.spirit_id, tool_id: tool.tool_id, run: use.call_id });
      },
    });
  } catch (error) {
    result.outcome = signal.aborted ? "stopped" : "failed";
    if (!signal.aborted) result.failure = turnFailureOf(error, ctx);
  }
  if (settings.citations_enabled) {
    for (const citation of citationsIn(emitter.text, passages)) onEvent({ type: "citation", citation });
  }
  return result;
}

/** Retrieves passages for the question; null if retrieval is off or there is no knowledge base. */
async function retrieveContext(
  { ctx, settings, retrieve, signal }: TurnDeps,
  { messages }: TurnInput,
): Promise<Retrieved[] | null> {
  signal.throwIfAborted();
  const query = messages.findLast(({ role }) => role === "user")?.text.slice(0, maxQuery) ?? "";
  const { retrieval } = settings;
  if (retrieval === null || !retrieval.is_enabled || query.trim() === "") return null;
  const { base, top_k, method, threshold } = retrieval;
  const look = retrieve ?? ((text: string) => retrievePassages(ctx, base, { query: text, top_k, method, threshold }));
  return raceAbort(signal, () => look(query));
}

/** Maximum characters of a retrieval query. */
const maxQuery = 4_000;

function samplingOf(
  { sampling: { temperature, top_p } }: TurnSettings,
  { functions, maxOutputTokens }: BuiltPrompt,
  abortSignal: AbortSignal,
): Omit<LanguageModelV4CallOptions, "prompt"> {
  return {
    abortSignal,
    ...(temperature === null ? {} : { temperature }),
    ...(top_p === null ? {} : { topP: top_p }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(functions.length === 0 ? {} : { tools: functions }),
  };
}

type ToolLoop = {
  model: LanguageModelV4;
  sampling: Omit<LanguageModelV4CallOptions, "prompt">;
  emitter: TextEmitter;
  waitForSlowSockets: TurnDeps["waitForSlowSockets"];
  run(calls: ModelStep["calls"]): Promise<ToolCallResult[]>;
  onRun(ended: ToolCallResult): void;
};

/** Calls the model and runs its tool calls, up to `maxSteps` times, and then once more without tools for an answer. */
async function runToolLoop(
  { prompt: initialPrompt, functions, limit }: BuiltPrompt,
  { model, sampling, emitter, waitForSlowSockets, run, onRun }: ToolLoop,
): Promise<void> {
  const prompt: LanguageModelV4Prompt = [...initialPrompt];
  for (let count = 1; ; count += 1) {
    const isLast = count > maxSteps;
    const before = emitter.text.length;
    const toolChoice = functions.length === 0 ? {} : { toolChoice: { type: isLast ? "none" : "auto" } as const };
    const step = await streamModelStep(model, { ...sampling, ...toolChoice, prompt }, emitter, waitForSlowSockets);
    assertComplete(step);
    if (emitter.isFull) return;
    const calls = isLast || functions.length === 0 ? [] : step.calls.slice(0, maxToolCallsPerStep);
    if (calls.length === 0) {
      if (isLast && emitter.text.length === before) {
        throw new TurnError(
          agentErrors.too_many_steps,
          `The minion reached the limit of ${maxSteps} tool steps without an answer. Try again with a simpler request.`,
        );
      }
      if (emitter.text.trim() === "")
        throw new TurnError(providerErrors.provider_refused, "The model returned an empty answer. Try again.");
      return;
    }
    const ended = await run(calls);
    ended.forEach(onRun);
    const finishedCalls = calls.map((call, index) => ({ call, use: ended[index]!.use }));
    prompt.push({
      role: "assistant",
      content: [
        ...step.content,
        ...finishedCalls.map(({ call: { toolCallId, providerMetadata }, use }) => ({
          ...toToolCallPart(use, toolCallId),
          ...(providerMetadata === undefined ? {} : { providerOptions: providerMetadata }),
        })),
      ],
    });
    const share = toolResultBudget(limit - estimatePromptTokens(prompt), calls.length);
    const results = finishedCalls.map(({ call, use }) =>
      toToolResultPart(use, call.toolCallId, (text) => truncate(text, share)),
    );
    prompt.push({ role: "tool", content: results });
    emitter.startParagraph();
  }
}

/** Maximum characters of each tool result in the prompt: what fits into the context window, but at least 200. */
function toolResultBudget(tokensLeft: number, calls: number): number {
  // Assumes two characters per token: non-English characters have several bytes, and JSON adds escapes.
  const fits = Math.floor((tokensLeft * bytesPerToken) / 2 / calls);
  return Math.min(maxToolResult, Math.max(200, fits));
}

/** @throws TurnError if the answer was blocked or ended in the middle of a tool call */
function assertComplete({ finishReason, hasTruncatedToolCall }: ModelStep): void {
  if (finishReason === "content-filter") {
    throw new TurnError(
      agentErrors.content_filtered,
      "The provider's content filter blocked the answer. Rephrase the message.",
    );
  }
  if (!hasTruncatedToolCall) return;
  if (finishReason === "length") {
    throw new TurnError(
      providerErrors.provider_refused,
      "The answer reached max_tokens in the middle of a tool call. Raise max_tokens.",
    );
  }
  throw new TurnError(providerErrors.provider_unavailable, "The model's answer ended in the middle of a tool call. Try again.");
}

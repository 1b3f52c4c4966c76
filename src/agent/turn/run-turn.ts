import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Message } from "@ai-sdk/provider";
import type { Ctx } from "../../context.ts";
import { mergeNeighbors } from "../../knowledge/search/merge-passages.ts";
import { retrievePassages, type Retrieved } from "../../knowledge/search/retrieve.ts";
import { raceAbort } from "../../kit/async/abort.ts";
import { providerErrors } from "../../models/errors.ts";
import { learnQuirks } from "../../minions/models/candidates.ts";
import { truncate } from "../../kit/db/text.ts";
import { citationsIn } from "./citations.ts";
import { maxToolCallsPerStep, maxSteps, type FinishReason } from "../constants.ts";
import type { ToolCall } from "../types.ts";
import { createTurnModels, type CreateModel } from "./model-calls.ts";
import { buildPrompt, maxQuery, type TurnInput, type BuiltPrompt } from "../prompt/build-prompt.ts";
import { TurnPrompt, windowOf } from "../prompt/turn-prompt.ts";
import { toToolCallPart, toToolResultPart, type ReadFile } from "../prompt/prompt-messages.ts";
import { callableTools, type TurnSettings } from "../settings.ts";
import { TextEmitter } from "./text-emitter.ts";
import { streamModelStep, type ModelStep } from "./model-step.ts";
import { hasRoomForMemoryTool, memoryTool, type Remember } from "./memory-tool.ts";
import { executeToolCalls, type ToolCallResult } from "./tool-execution.ts";
import { isSpiritTool, type Tool } from "../../tools/tool.ts";
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
  /** All tools of spirits. Tools that the minion may not call are neither offered nor run. */
  tools: readonly Tool[];
  /** Stores a fact that the model proposed and the user approved. Default: the model can propose none. */
  remember?: Remember | undefined;
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
    finish_reason: "stop",
    model: null,
    calls: [],
    tool_runs: [],
    has_retrieved: false,
  };
  const emitter = new TextEmitter(onEvent);
  let passages: Retrieved[] = [];
  try {
    const models = createTurnModels(ctx, settings, deps.model, result);
    const tools = [
      ...callableTools(settings, deps.tools),
      ...(deps.remember !== undefined && settings.model.calls_tools ? [memoryTool(deps.remember)] : []),
    ];
    const retrieved = await retrieveContext(deps, input);
    const prepare = async (contextLength: number | null): Promise<BuiltPrompt> => {
      const built = await buildPrompt(input, {
        settings,
        tools: hasRoomForMemoryTool(contextLength) ? tools : tools.filter(isSpiritTool),
        passages: retrieved,
        contextLength,
        readFile: (id) => raceAbort(signal, () => deps.readFile(id)),
        summarizer: models({ callMs: summaryMs }),
        onSummary: (summary) => onEvent({ type: "summarised", summary }),
        signal,
      });
      passages = built.passages;
      result.memory_status = built.memory_status;
      result.has_retrieved = passages.length > 0;
      return built;
    };
    const prompt = new TurnPrompt(await prepare(windowOf(settings)), prepare);
    result.finish_reason = await runToolLoop(prompt, {
      model: models(deadlines),
      samplingFor: (built) => samplingOf(settings, built, signal),
      emitter,
      waitForSlowSockets: deps.waitForSlowSockets,
      run: (calls) => executeToolCalls(calls, { tools, approve: deps.approve, emit: onEvent, signal, toolMs, ctx }),
      onRun: ({ use, tool }) => {
        if (tool === undefined || !isSpiritTool(tool) || use.status !== "complete") return;
        result.tool_runs.push({ spirit_id: tool.spirit_id, tool_id: tool.tool_id, run: use.call_id });
      },
    });
    const [candidate] = settings.modelCandidates;
    if (prompt.shrunkTo !== undefined && candidate?.quirks?.context_length === undefined && candidate !== undefined)
      learnQuirks(ctx, settings.user_id, candidate, { context_length: prompt.shrunkTo });
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
  return mergeNeighbors(await raceAbort(signal, () => look(query)));
}

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
  samplingFor(built: BuiltPrompt): Omit<LanguageModelV4CallOptions, "prompt">;
  emitter: TextEmitter;
  waitForSlowSockets: TurnDeps["waitForSlowSockets"];
  run(calls: ModelStep["calls"]): Promise<ToolCallResult[]>;
  onRun(ended: ToolCallResult): void;
};

/**
 * Calls the model and runs its tool calls, up to `maxSteps` times, and then once more without tools for an answer. A call that is too long
 * for the model is made again with a shorter prompt.
 */
async function runToolLoop(
  prompt: TurnPrompt,
  { model, samplingFor, emitter, waitForSlowSockets, run, onRun }: ToolLoop,
): Promise<FinishReason> {
  for (let count = 1; ; count += 1) {
    const isLast = count > maxSteps;
    const before = emitter.text.length;
    const step = await prompt.fitting(({ functions, ...built }) => {
      const toolChoice = functions.length === 0 ? {} : { toolChoice: { type: isLast ? "none" : "auto" } as const };
      const options = { ...samplingFor({ functions, ...built }), ...toolChoice, prompt: prompt.messages };
      return streamModelStep(model, options, emitter, waitForSlowSockets);
    });
    assertComplete(step);
    if (emitter.isFull) return "length";
    const calls = isLast || prompt.built.functions.length === 0 ? [] : step.calls.slice(0, maxToolCallsPerStep);
    if (calls.length === 0) {
      if (isLast && emitter.text.length === before) {
        throw new TurnError(
          agentErrors.too_many_steps,
          `The minion reached the limit of ${maxSteps} tool steps without an answer. Try again with a simpler request.`,
        );
      }
      if (emitter.text.trim() === "") throw emptyAnswer(step);
      return step.finishReason === "length" ? "length" : "stop";
    }
    const ended = await run(calls);
    ended.forEach(onRun);
    const finishedCalls = calls.map((call, index) => ({ call, use: ended[index]!.use }));
    const called: LanguageModelV4Message = {
      role: "assistant",
      content: [
        ...step.content,
        ...finishedCalls.map(({ call: { toolCallId, providerMetadata }, use }) => ({
          ...toToolCallPart(use, toolCallId),
          ...(providerMetadata === undefined ? {} : { providerOptions: providerMetadata }),
        })),
      ],
    };
    prompt.add(called, (share) => ({
      role: "tool",
      content: finishedCalls.map(({ call, use }) => toToolResultPart(use, call.toolCallId, (text) => truncate(text, share))),
    }));
    emitter.startParagraph();
  }
}

function emptyAnswer({ finishReason }: ModelStep): TurnError {
  const detail =
    finishReason === "length"
      ? "The model reached the limit of its tokens before it answered. Raise max_tokens."
      : "The model returned an empty answer. Try again.";
  return new TurnError(providerErrors.provider_refused, detail);
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

import { newMessage } from "../../../src/agent/message/apply-frame.ts";
import type { LanguageModelV4CallOptions, LanguageModelV4Prompt, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { Message, ToolCall } from "../../../src/agent/types.ts";
import type { TurnInput } from "../../../src/agent/prompt/build-prompt.ts";
import type { TurnSettings } from "../../../src/agent/settings.ts";
import type { Tool } from "../../../src/tools/tool.ts";
import type { TurnEvent, TurnResult } from "../../../src/agent/events.ts";
import { runTurn, type TurnDeps } from "../../../src/agent/turn/run-turn.ts";
import type { Retrieved } from "../../../src/knowledge/search/retrieve.ts";
import { gatewayModel } from "../../../src/models/gateway/gateway.ts";
import { textsOf } from "../../../src/models/gateway/tokens.ts";
import { scriptedModel, type ScriptedTurn } from "../../models/support/scripted-model.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";

/** A context whose Postgres queries fail. */
export const noDatabase = () => createTestContexts(testBindings("http://127.0.0.1:9")).context("test");

const spirit = {
  spirit_id: 7,
  name: "Explorer Spirit",
  category: "Research",
  spirit_level: 1,
  tools: [
    { tool_id: 70, name: "look_up", description: "Looks something up." },
    { tool_id: 71, name: "send_letter", description: "Sends a letter." },
  ],
};

/** The settings of a minion whose model supports tools and has no context limit, with overrides. */
export const settingsWith = (overrides: Partial<TurnSettings> = {}): TurnSettings => ({
  user_id: 1,
  minion_id: 2,
  display_name: "Ada",
  parts: {
    minion: { name: "ada", display_name: "Ada", description: "", personality: "", system_prompt: "Answer in verse." },
    traits: {},
    minion_class: null,
  },
  spirits: [spirit],
  sampling: { temperature: null, top_p: null, max_tokens: null },
  model: { context_length: null, sees_pictures: true, calls_tools: true },
  modelCandidates: [],
  retrieval: null,
  citations_enabled: true,
  ...overrides,
});

export const withBase = (
  overrides: Partial<NonNullable<TurnSettings["retrieval"]>> = {},
): NonNullable<TurnSettings["retrieval"]> => ({
  is_enabled: true,
  base: { id: 3, user_id: 1, embedding_model: "builtin/hashing-384", dimensions: 384 },
  top_k: 4,
  method: "hybrid",
  threshold: 0,
  ...overrides,
});

/** A passage that was found, of this text. */
export const passage = (text: string, overrides: Partial<Retrieved> = {}): Retrieved => ({
  chunk_id: 1,
  dataset_id: 5,
  heading: null,
  table_header: null,
  source: "handbook.md",
  start: 0,
  end: text.length,
  score: 0.5,
  text,
  ...overrides,
});

/** The tool `look_up`, which returns its input, with overrides. */
export const tool = (overrides: Partial<Tool> = {}): Tool => ({
  name: "look_up",
  description: "Looks something up.",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  needs_approval: false,
  spirit_id: 7,
  tool_id: 70,
  run: async (input) => `about ${JSON.stringify(input)}`,
  ...overrides,
});

const messageOf = (id: number): Message => ({ ...newMessage(id, 1), created_at: "2026-01-01T00:00:00.000Z" });

/** A message of the user's. */
export const userMessage = (
  id: number,
  text: string,
  files: Extract<Message["parts"][number], { type: "file" }>[] = [],
): Message => ({
  ...messageOf(id),
  role: "user",
  text,
  parts: [...files, { type: "text", text }],
});

/** An answer to one. */
export const assistantMessage = (id: number, text: string, overrides: Partial<Message> = {}): Message => ({
  ...messageOf(id),
  role: "assistant",
  text,
  parts: [{ type: "text", text }],
  model: "builtin/extractive",
  ...overrides,
});

export const turnInput = (...messages: (Message | string)[]): TurnInput => ({
  messages: messages.map((message, index) => (typeof message === "string" ? userMessage(index + 1, message) : message)),
  summary: null,
  pinned_facts: [],
});

const usage = {
  inputTokens: { total: 5, noCache: 5, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 3, text: 3, reasoning: 0 },
};

type FinishReason = Extract<LanguageModelV4StreamPart, { type: "finish" }>["finishReason"]["unified"];

const finishPart = (unified: FinishReason): LanguageModelV4StreamPart => ({
  type: "finish",
  finishReason: { unified, raw: unified },
  usage,
});

/** A stream of these parts, from its start to its end. */
export const streamOf = (parts: LanguageModelV4StreamPart[], end: FinishReason = "stop"): LanguageModelV4StreamPart[] => [
  { type: "stream-start", warnings: [] },
  ...parts,
  finishPart(end),
];

export const textDelta = (delta: string): LanguageModelV4StreamPart => ({ type: "text-delta", id: "1", delta });
export const reasoningDelta = (delta: string): LanguageModelV4StreamPart => ({ type: "reasoning-delta", id: "r", delta });

let callCount = 0;

/** A tool call. An input that is a string is sent unchanged. */
export const toolCall = (toolName: string, input: object | string = { city: "Zürich" }): LanguageModelV4StreamPart => ({
  type: "tool-call",
  toolCallId: `call${(callCount += 1)}`,
  toolName,
  input: typeof input === "string" ? input : JSON.stringify(input),
});

/** A model behind the gateway that plays the scripted turns in order, with the requests that it received. */
export function modelOf(...turns: ScriptedTurn[]) {
  const { candidate, seen } = scriptedModel("openai", ...turns);
  const requests: LanguageModelV4CallOptions[] = [];
  const open = async () => {
    const model = await candidate.open();
    const recordRequest = (options: LanguageModelV4CallOptions) => {
      // As it was when it was asked: the turn goes on writing to it.
      requests.push({ ...options, prompt: [...options.prompt] });
      return options;
    };
    return {
      ...model,
      doStream: (options: LanguageModelV4CallOptions) => model.doStream(recordRequest(options)),
      doGenerate: (options: LanguageModelV4CallOptions) => model.doGenerate(recordRequest(options)),
    };
  };
  const model: NonNullable<TurnDeps["model"]> = (options) => gatewayModel([{ ...candidate, open }], { ...options, pauseMs: 1 });
  return { model, requests, seen };
}

export type TextPiece = { type: "text" | "reasoning"; text: string };

/** An event, or one for each piece of a text. */
export function splitPieces(event: TurnEvent): (Exclude<TurnEvent, { pieces: unknown }> | TextPiece)[] {
  return "pieces" in event ? event.pieces.map((text) => ({ type: event.type, text })) : [event];
}

/** @param events with each piece of text for itself */
export type TestTurn = { events: ReturnType<typeof splitPieces>; result: TurnResult; text: string; uses: ToolCall[] };

/** Takes a turn. */
export async function runTestTurn(question: TurnInput | string, deps: Partial<TurnDeps>): Promise<TestTurn> {
  const events: TestTurn["events"] = [];
  const result = await runTurn(
    {
      ctx: noDatabase(),
      settings: settingsWith(),
      tools: [],
      approve: () => Promise.reject(new Error("Nobody was to be asked.")),
      readFile: () => Promise.reject(new Error("Nothing was to be read.")),
      signal: new AbortController().signal,
      ...deps,
      onEvent(event) {
        events.push(...splitPieces(event));
        deps.onEvent?.(event);
      },
    },
    typeof question === "string" ? turnInput(question) : question,
  );
  const text = events.map((event) => (event.type === "text" ? event.text : "")).join("");
  const uses = events.flatMap((event) => (event.type === "tool_finished" ? [event.use] : []));
  return { events, result, text, uses };
}

/** The system prompt of a prompt, and the text of all of it, message by message. */
export const systemIn = (prompt: LanguageModelV4Prompt): string =>
  prompt.flatMap(({ role, content }) => (role === "system" ? content : [])).join("\n");
export const linesIn = (prompt: LanguageModelV4Prompt): string[] =>
  prompt.map((message) => `${message.role}: ${textsOf(message).join(" | ")}`);

/** A stream that ends in calls. */
export const toolCallStream = (...parts: Parameters<typeof streamOf>[0]) => streamOf(parts, "tool-calls");
/** The types of events, and the status of each tool call. */
export const eventTypes = (events: TestTurn["events"]) =>
  events.map((event) => ("use" in event ? `${event.type} ${event.use.tool} ${event.use.status}` : event.type));

/** The tool results in the last request to the model. */
export const toolResultsIn = ({ requests }: ReturnType<typeof modelOf>) =>
  requests.at(-1)!.prompt.flatMap(({ role, content }) => (role === "tool" && typeof content !== "string" ? content : []));
export const outputsOf = (of: ReturnType<typeof modelOf>) =>
  toolResultsIn(of).map((part) => (part.type === "tool-result" && part.output.type === "text" ? part.output.value : "?"));

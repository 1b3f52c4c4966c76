import type { LanguageModelV4Message, LanguageModelV4Prompt } from "@ai-sdk/provider";
import { ProviderError } from "../../models/gateway/errors.ts";
import { bytesPerToken, estimateTokens } from "../../models/gateway/tokens.ts";
import { maxToolResult } from "../constants.ts";
import type { TurnSettings } from "../settings.ts";
import { defaultAnswerTokens, messageTooLong, type BuiltPrompt } from "./build-prompt.ts";
import { estimatePromptTokens } from "./prompt-messages.ts";

/** The context window of the first model, in tokens: the one that is set, or a smaller one that its server named; null for no limit. */
export function windowOf({ model, modelCandidates: [first] }: TurnSettings): number | null {
  const named = first?.quirks?.context_length;
  return named === undefined ? model.context_length : Math.min(model.context_length ?? Infinity, named);
}

/** How often the prompt of a turn is shortened. */
const maxShrinks = 3;

/** The share of the last prompt that is kept if the model does not say how much fits. */
const keptShare = 0.6;

/** A tool call of the turn with its results. Long results are truncated to a number of characters. */
type ToolStep = { called: LanguageModelV4Message; resultsWithin(share: number): LanguageModelV4Message };

/** The prompt of a turn while it runs: the messages before it, and its own tool calls. It becomes shorter if the model refuses its length. */
export class TurnPrompt {
  #built: BuiltPrompt;
  readonly #prepare: (contextLength: number) => Promise<BuiltPrompt>;
  readonly #steps: ToolStep[] = [];
  #own: LanguageModelV4Message[] = [];
  #shrinks = 0;
  /** The context window, in tokens, to which the prompt was shortened; undefined if it was not. */
  shrunkTo: number | undefined;

  /** @param prepare builds the prompt for a smaller context window. It throws context_exceeded if the question does not fit */
  constructor(built: BuiltPrompt, prepare: (contextLength: number) => Promise<BuiltPrompt>) {
    this.#built = built;
    this.#prepare = prepare;
  }

  get built(): BuiltPrompt {
    return this.#built;
  }

  get messages(): LanguageModelV4Prompt {
    return [...this.#built.prompt, ...this.#own];
  }

  /** Adds tool calls and their results. */
  add(called: LanguageModelV4Message, resultsWithin: ToolStep["resultsWithin"]): void {
    this.#steps.push({ called, resultsWithin });
    this.#own.push(called);
    this.#own.push(resultsWithin(this.#shareOf(called)));
  }

  /** Maximum characters of each tool result: what fits into the context window, but at least 200. */
  #shareOf({ content }: LanguageModelV4Message): number {
    const calls = typeof content === "string" ? 1 : content.filter(({ type }) => type === "tool-call").length;
    const tokensLeft = this.#built.limit - estimatePromptTokens(this.messages);
    // Assumes two characters per token: non-English characters have several bytes, and JSON adds escapes.
    const fits = Math.floor((tokensLeft * bytesPerToken) / 2 / Math.max(1, calls));
    return Math.min(maxToolResult, Math.max(200, fits));
  }

  /**
   * Calls a model with the prompt, and again with a shorter one if the model says that it is too long.
   * @throws TurnError context_exceeded if the prompt cannot be shortened enough; the other errors of the call
   */
  async fitting<T>(call: (built: BuiltPrompt) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call(this.#built);
      } catch (error) {
        if (!(error instanceof ProviderError) || error.kind !== "context_exceeded") throw error;
        if (this.#shrinks === maxShrinks) throw messageTooLong();
        this.#shrinks += 1;
        await this.#shrink(error.contextLength);
      }
    }
  }

  /** @param named the context window that the model named, in tokens */
  async #shrink(named: number | null): Promise<void> {
    const { functions, maxOutputTokens = defaultAnswerTokens } = this.#built;
    const ofFunctions = functions.length === 0 ? 0 : estimateTokens(JSON.stringify(functions));
    const total = estimatePromptTokens(this.messages) + ofFunctions + maxOutputTokens;
    // A window that should have been large enough: the model counts more tokens than are estimated.
    const window = named !== null && named < total ? named : Math.floor(total * keptShare);
    this.shrunkTo = window;
    const share = Math.max(200, Math.floor((window * bytesPerToken) / 8 / Math.max(1, this.#steps.length)));
    this.#own = this.#steps.flatMap(({ called, resultsWithin }) => [called, resultsWithin(Math.min(share, maxToolResult))]);
    const left = window - estimatePromptTokens(this.#own);
    if (left <= 0) throw messageTooLong();
    this.#built = await this.#prepare(left);
  }
}

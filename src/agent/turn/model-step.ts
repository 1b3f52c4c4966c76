import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4ReasoningPart,
  LanguageModelV4StreamPart,
  LanguageModelV4TextPart,
  LanguageModelV4ToolCall,
  SharedV4ProviderMetadata,
} from "@ai-sdk/provider";
import { splitDeltas, stripSeparators } from "../../models/gateway/coalesced-deltas.ts";
import type { TextEmitter } from "./text-emitter.ts";

/** One answer of the model within a turn: what it said, and the tools that it calls. */
export type ModelStep = {
  /** As it is handed back to the model with what the tools say; thoughts only as far as their vendor wants them back. */
  content: (LanguageModelV4TextPart | LanguageModelV4ReasoningPart)[];
  calls: LanguageModelV4ToolCall[];
  /** Whether it ended within a call. */
  hasTruncatedToolCall: boolean;
  finishReason: LanguageModelV4FinishReason["unified"];
};

/** Pieces of an answer after which it is looked whether those who listen keep up. */
const backpressureInterval = 16;

/**
 * Asks the model once, and tells what it says while it says it. What is longer than an answer can be is cut, and the call ended.
 * @param waitForSlowSockets awaited now and then while it speaks
 * @throws ProviderError; the reason of whoever aborts
 */
export async function streamModelStep(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  speech: TextEmitter,
  waitForSlowSockets?: () => Promise<void>,
): Promise<ModelStep> {
  const { stream } = await model.doStream(options);
  const reader = stream.getReader();
  const step = new StepAccumulator();
  try {
    for (let unlooked = 0; ;) {
      const { value: part } = await reader.read();
      if (part === undefined) throw new Error("A gateway stream ended without a finish part.");
      if (part.type === "error") throw part.error;
      if (part.type === "finish") return step.closed(part.finishReason.unified);
      step.take(part);
      if (part.type !== "text-delta" && part.type !== "reasoning-delta") continue;
      const channel = part.type === "text-delta" ? "text" : "reasoning";
      const pieces = splitDeltas(part.delta);
      for (let at = 0; at < pieces.length; at += backpressureInterval) {
        const some = pieces.slice(at, at + backpressureInterval);
        speech.push(channel, some);
        if (speech.isFull) return step.closed("length");
        unlooked += some.length;
        if (unlooked < backpressureInterval) continue;
        unlooked = 0;
        await waitForSlowSockets?.();
        options.abortSignal?.throwIfAborted();
      }
    }
  } finally {
    speech.flush();
    // Of a stream that has ended, there is nothing left to cancel.
    void reader.cancel().catch(() => {});
  }
}

/** A step whose parts are still coming. */
class StepAccumulator {
  readonly #blocks = new Map<string, ModelStep["content"][number]>();
  readonly #calls: LanguageModelV4ToolCall[] = [];
  #callsBegun = 0;

  take(part: LanguageModelV4StreamPart): void {
    const isText = part.type === "text-start" || part.type === "text-delta" || part.type === "text-end";
    if (isText) return this.#extend("text", part);
    const isThought = part.type === "reasoning-start" || part.type === "reasoning-delta" || part.type === "reasoning-end";
    if (isThought) return this.#extend("reasoning", part);
    if (part.type === "tool-input-start" && part.providerExecuted !== true) this.#callsBegun += 1;
    if (part.type === "tool-call" && part.providerExecuted !== true) this.#calls.push(part);
  }

  closed(finishReason: ModelStep["finishReason"]): ModelStep {
    const wanted = ({ type, text, providerOptions }: ModelStep["content"][number]) =>
      type === "text" ? text !== "" : providerOptions !== undefined;
    const isCut = finishReason === "length" && this.#calls.some(({ input }) => !isJson(input));
    const hasHalfCall = isCut || this.#callsBegun > this.#calls.length;
    return {
      content: Array.from(this.#blocks.values()).filter(wanted),
      calls: this.#calls,
      hasTruncatedToolCall: hasHalfCall,
      finishReason,
    };
  }

  #extend(
    type: ModelStep["content"][number]["type"],
    { id, delta = "", providerMetadata }: { id: string; delta?: string; providerMetadata?: SharedV4ProviderMetadata },
  ): void {
    const key = `${type} ${id}`;
    const block: ModelStep["content"][number] = this.#blocks.get(key) ?? { type, text: "" };
    block.text += stripSeparators(delta);
    if (providerMetadata !== undefined) block.providerOptions = providerMetadata;
    this.#blocks.set(key, block);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return text.trim() === "";
  }
}

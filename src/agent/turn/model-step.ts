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
import { isMovedText } from "../../models/gateway/moved-text.ts";
import type { TextEmitter } from "./text-emitter.ts";

/** The result of one model call within a turn: its text and its tool calls. */
export type ModelStep = {
  /** The content to send back to the model with the tool results. A provider leaves out the reasoning if it does not require it. */
  content: (LanguageModelV4TextPart | LanguageModelV4ReasoningPart)[];
  calls: LanguageModelV4ToolCall[];
  /** Whether the answer ended in the middle of a tool call. */
  hasTruncatedToolCall: boolean;
  finishReason: LanguageModelV4FinishReason["unified"];
};

/** Number of pieces between two waits for slow sockets. */
const backpressureInterval = 16;

/**
 * Calls the model once and emits its text as it arrives. At the maximum length, the text is truncated and the call ends.
 * @param waitForSlowSockets awaited after every few pieces
 * @throws ProviderError; the abort reason of the signal
 */
export async function streamModelStep(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  emitter: TextEmitter,
  waitForSlowSockets?: () => Promise<unknown>,
): Promise<ModelStep> {
  const { stream } = await model.doStream(options);
  const reader = stream.getReader();
  const step = new StepAccumulator();
  const start = emitter.text.length;
  try {
    for (let piecesSinceWait = 0; ;) {
      const { value: part } = await reader.read();
      if (part === undefined) throw new Error("A gateway stream ended without a finish part.");
      if (part.type === "error") throw part.error;
      if (part.type === "finish") return step.closed(part.finishReason.unified);
      if (isMovedText(part)) {
        step.moveText();
        emitter.moveToReasoning(start);
        continue;
      }
      step.take(part);
      if (part.type !== "text-delta" && part.type !== "reasoning-delta") continue;
      const channel = part.type === "text-delta" ? "text" : "reasoning";
      const pieces = splitDeltas(part.delta);
      for (let at = 0; at < pieces.length; at += backpressureInterval) {
        const batch = pieces.slice(at, at + backpressureInterval);
        emitter.push(channel, batch);
        if (emitter.isFull) return step.closed("length");
        piecesSinceWait += batch.length;
        if (piecesSinceWait < backpressureInterval) continue;
        piecesSinceWait = 0;
        await waitForSlowSockets?.();
        options.abortSignal?.throwIfAborted();
      }
    }
  } finally {
    emitter.flush();
    // Cancelling a finished stream does nothing.
    void reader.cancel().catch(() => {});
  }
}

/** Collects the stream parts of one step. */
class StepAccumulator {
  readonly #blocks = new Map<string, ModelStep["content"][number]>();
  readonly #calls: LanguageModelV4ToolCall[] = [];
  #startedCalls = 0;

  take(part: LanguageModelV4StreamPart): void {
    const isText = part.type === "text-start" || part.type === "text-delta" || part.type === "text-end";
    if (isText) return this.#extend("text", part);
    const isReasoning = part.type === "reasoning-start" || part.type === "reasoning-delta" || part.type === "reasoning-end";
    if (isReasoning) return this.#extend("reasoning", part);
    if (part.type === "tool-input-start" && part.providerExecuted !== true) this.#startedCalls += 1;
    if (part.type === "tool-call" && part.providerExecuted !== true) this.#calls.push(part);
  }

  /** Makes all text so far reasoning. */
  moveText(): void {
    const blocks = Array.from(this.#blocks.entries());
    this.#blocks.clear();
    for (const [key, block] of blocks) this.#blocks.set(`moved ${key}`, { type: "reasoning", text: block.text });
  }

  closed(finishReason: ModelStep["finishReason"]): ModelStep {
    const isContent = ({ type, text, providerOptions }: ModelStep["content"][number]) =>
      text !== "" || (type === "reasoning" && providerOptions !== undefined);
    const isTruncated = finishReason === "length" && this.#calls.some(({ input }) => !isJson(input));
    const hasTruncatedToolCall = isTruncated || this.#startedCalls > this.#calls.length;
    return {
      content: Array.from(this.#blocks.values()).filter(isContent),
      calls: this.#calls,
      hasTruncatedToolCall,
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

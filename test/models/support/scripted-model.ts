import { APICallError, type LanguageModelV4, type LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { expect } from "vitest";
import type { CallOptions, Candidate } from "../../../src/models/gateway/call.ts";
import type { ProviderError } from "../../../src/models/gateway/errors.ts";
import { gatewayModel } from "../../../src/models/gateway/gateway.ts";
import type { UsageRecord } from "../../../src/models/gateway/usage-record.ts";
import { openProvider } from "../../../src/models/providers/registry.ts";
import { textIn } from "./models.ts";

const usage = {
  inputTokens: { total: 5, noCache: 5, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 3, text: 3, reasoning: 0 },
};
export const finish: LanguageModelV4StreamPart = { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage };
export const textParts = (text: string): LanguageModelV4StreamPart[] => [
  { type: "stream-start", warnings: [] },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: text },
  { type: "text-end", id: "1" },
  finish,
];

export const apiError = (statusCode: number, responseHeaders: Record<string, string> = {}, responseBody = "") =>
  new APICallError({ message: "words", url: "", requestBodyValues: {}, statusCode, responseHeaders, responseBody });

/** What a model does when it is asked: says parts, fails, or waits until it is told to stop (or for ever). */
export type ScriptedTurn = Error | LanguageModelV4StreamPart[] | "hangs" | "is deaf";

export const hello = textParts("Hello");

/** A model that does one thing after the other, and the last of them ever after. */
export function scriptedModel(provider: "openai" | "groq" | "mistral", ...turns: ScriptedTurn[]) {
  const seen = { calls: 0, opened: 0, cancelled: 0 };
  async function next(signal: AbortSignal | undefined): Promise<LanguageModelV4StreamPart[]> {
    const turn = turns[Math.min(seen.calls++, turns.length - 1)]!;
    if (turn instanceof Error) throw turn;
    if (turn === "is deaf") return new Promise(() => {});
    if (turn !== "hangs") return turn;
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  }
  const model: LanguageModelV4 = {
    specificationVersion: "v4",
    provider,
    modelId: "scripted",
    supportedUrls: {},
    async doGenerate({ abortSignal }) {
      const text = textIn(await next(abortSignal));
      return { content: [{ type: "text", text }], finishReason: { unified: "stop", raw: "stop" }, usage, warnings: [] };
    },
    async doStream({ abortSignal }) {
      const parts = [...(await next(abortSignal))];
      return {
        stream: new ReadableStream({
          // After its last part, a stream without an end hangs.
          pull: (controller) => {
            const part = parts.shift();
            if (part !== undefined) controller.enqueue(part);
            if (part?.type === "finish") controller.close();
            return part === undefined ? new Promise(() => {}) : undefined;
          },
          cancel: () => void (seen.cancelled += 1),
        }),
      };
    },
  };
  const open = async () => {
    seen.opened += 1;
    return model;
  };
  const candidate: Candidate<LanguageModelV4> = { provider: openProvider(provider), modelId: "scripted", open };
  return { candidate, seen };
}

/** Candidates behind the gateway, with the records of their calls. */
export function gatewayWith(
  candidates: [Candidate<LanguageModelV4>, ...Candidate<LanguageModelV4>[]],
  options: CallOptions = {},
) {
  const records: UsageRecord[] = [];
  const model = gatewayModel(candidates, { pauseMs: 5, ...options, onUsage: (record) => records.push(record) });
  return { model, records, outcomes: () => records.at(-1)!.attempts.map(({ provider, outcome }) => `${provider} ${outcome}`) };
}

export async function failureOf(promise: PromiseLike<unknown>): Promise<ProviderError> {
  return promise.then(
    () => expect.unreachable("it did not fail"),
    (error: unknown) => error as ProviderError,
  );
}

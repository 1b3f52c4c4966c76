import type { LanguageModelV4Usage } from "@ai-sdk/provider";
import type { ProviderFailure, ProviderFailureCode } from "./errors.ts";

/** One time that one model was asked. */
export type Attempt = {
  provider: string;
  model_id: string;
  /** `answered` means that it began to: how the call ended, the record says. */
  outcome: "answered" | "stopped" | ProviderFailure;
  /** What the vendor answered with; null where the call succeeded, or nobody answered. */
  status: number | null;
  /** Until the first token, where it streamed. */
  latency_ms: number;
};

/** Tokens of a call. Those of the cache are part of the input. */
export type TokenCounts = {
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  /** Whether the vendor did not say, so that they were counted by the length of the text. */
  is_estimated: boolean;
};

/** What is kept of a call to a model, whichever way it went: one record a call. */
export type UsageRecord = TokenCounts & {
  /** The model that answered, or else the one that was asked last. */
  provider: string;
  model_id: string;
  outcome: "complete" | "stopped" | "failed";
  error_code: ProviderFailureCode | "internal" | null;
  /** Of the whole call, waits and failed attempts included. */
  latency_ms: number;
  /** From the start of the call; null where it did not stream, or no token came. */
  first_token_ms: number | null;
  attempts: Attempt[];
};

export const noTokens: TokenCounts = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  is_estimated: false,
};

/** What a vendor says that says nothing. */
export const uncounted: LanguageModelV4Usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

/** What a vendor counted, and our own estimate where it counted nothing. (No call has an input of nothing.) */
export function tokenCounts(
  { inputTokens, outputTokens }: LanguageModelV4Usage,
  estimate: () => LanguageModelV4Usage,
): TokenCounts {
  const isEstimated = !inputTokens.total || outputTokens.total === undefined;
  const guess = isEstimated ? estimate() : undefined;
  return {
    input_tokens: inputTokens.total || (guess?.inputTokens.total ?? 0),
    output_tokens: outputTokens.total || (guess?.outputTokens.total ?? 0),
    cache_read_tokens: inputTokens.cacheRead ?? 0,
    cache_write_tokens: inputTokens.cacheWrite ?? 0,
    is_estimated: isEstimated,
  };
}

import type { LanguageModelV4Usage } from "@ai-sdk/provider";
import type { ProviderFailure, ProviderFailureCode } from "./errors.ts";
import { normalizeUsage } from "./provider-numbers.ts";

/** One attempt with one model. */
export type Attempt = {
  provider: string;
  model_id: string;
  /** `answered` means that the answer started; the record has the outcome of the call. */
  outcome: "answered" | "stopped" | ProviderFailure;
  /** The HTTP status of the vendor; null if the attempt succeeded or had no response. */
  status: number | null;
  /** In ms; for a stream, until the first token. */
  latency_ms: number;
};

/** The tokens of a call. Input tokens include cached tokens. */
export type TokenCounts = {
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  /** Whether tokens were estimated by the length of the text, because the vendor reported none, or none that can be. */
  is_estimated: boolean;
};

/** The usage record of a call; one per call, whatever its outcome. */
export type UsageRecord = TokenCounts & {
  /** The provider of the model that answered, otherwise of the last one tried. */
  provider: string;
  model_id: string;
  outcome: "complete" | "stopped" | "failed";
  error_code: ProviderFailureCode | "internal" | null;
  /** The duration of the whole call, including pauses and failed attempts, in ms. */
  latency_ms: number;
  /** The time from the start of the call to the first token, in ms; null without a stream or a token. */
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

/** The usage of a vendor that reports none. */
export const uncounted: LanguageModelV4Usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

/** The token counts of the vendor, or estimates for missing and impossible ones. An input of 0 counts as missing. */
export function tokenCounts(usage: LanguageModelV4Usage | undefined, estimate: () => LanguageModelV4Usage): TokenCounts {
  const { inputTokens, outputTokens } = normalizeUsage(usage);
  const isEstimated = !inputTokens.total || outputTokens.total === undefined;
  const guess = isEstimated ? estimate() : undefined;
  return {
    input_tokens: inputTokens.total || (guess?.inputTokens.total ?? 0),
    output_tokens: outputTokens.total || (guess?.outputTokens.total ?? 0),
    cache_read_tokens: inputTokens.cacheRead ?? 0,
    cache_write_tokens: inputTokens.cacheWrite ?? 0,
    is_estimated: isEstimated || hasImpossibleCache(usage, inputTokens),
  };
}

/** Whether the vendor reported cached tokens that were left out. */
function hasImpossibleCache(usage: LanguageModelV4Usage | undefined, counted: LanguageModelV4Usage["inputTokens"]): boolean {
  const isLeftOut = (name: "cacheRead" | "cacheWrite") =>
    usage?.inputTokens?.[name] !== undefined && counted[name] === undefined;
  return isLeftOut("cacheRead") || isLeftOut("cacheWrite");
}

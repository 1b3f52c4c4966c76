import type { LanguageModelV4FinishReason } from "@ai-sdk/provider";

/** The names that servers give to an answer that they broke off: vLLM and SGLang, OpenRouter, DeepSeek, Mistral. */
const interruptions = /^(?:abort(?:ed)?|error|cancell?ed|interrupted|network_error|time_?out|insufficient_system_resources?)$/i;

/** The names that servers give to an answer that reached its limit. */
const limits = /^(?:max_?(?:output_|completion_|new_)?tokens|model_length|token_limit|length_limit|max_length)$/i;

/** The finish reason of an answer, where an SDK does not know the name that the server uses. */
export function normalizeFinishReason(reason: LanguageModelV4FinishReason): LanguageModelV4FinishReason {
  const { unified, raw = "" } = reason;
  if (interruptions.test(raw)) return { unified: "error", raw };
  return unified === "other" && limits.test(raw) ? { unified: "length", raw } : reason;
}

/** Whether the server broke the answer off, or sent no finish reason. The SDKs then finish the stream themselves. */
export function isBrokenOff(reason: LanguageModelV4FinishReason): boolean {
  const { unified, raw } = normalizeFinishReason(reason);
  return unified === "error" || unified === "interrupted" || (unified === "other" && raw === undefined);
}

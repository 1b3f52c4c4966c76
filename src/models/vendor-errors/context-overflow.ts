import type { VendorError } from "./read-error.ts";

const overflowCodes = new Set([
  "context_length_exceeded",
  "exceed_context_size_error",
  "context_window_exceeded",
  "model_context_window_exceeded",
  "ContextWindowExceededError",
]);

/** What servers say: OpenAI, vLLM, SGLang, llama.cpp, LM Studio, Ollama, TGI, Anthropic, Google, Mistral, Cohere, Moonshot, xAI, Bedrock. */
const overflowWords = [
  /context_length_exceeded|ContextWindowExceeded/,
  /maximum (?:context|prompt|model|input) length/i,
  /(?:exceed|overflow|longer than|too (?:large|long|big) for|greater than|larger than|more than|not enough)[^.\n]{0,80}context/i,
  /context[^.\n]{0,60}(?:exceed|overflow|not enough|too small)/i,
  /prompt is too long/i,
  /input (?:is|was) too long/i,
  /reduce the length of (?:the|your) (?:messages|prompt|input)/i,
  /exceeds? (?:the )?(?:maximum number of tokens allowed|model(?:'s)? token limit|(?:model )?maximum (?:number of )?(?:input )?tokens)/i,
  /exceeded model token limit/i,
  /too many tokens: total number of tokens/i,
  /`?inputs`?(?: tokens)? (?:\+ `?max_new_tokens`? must be|must have less than)/i,
];

/** Where these texts name the window. The first that matches counts. */
const limits = [
  /maximum (?:context|prompt|model|input) length (?:is|of)\D{0,20}(\d[\d,_]*)/i,
  /context (?:length|window|size)(?: limit)?(?: of| is|:)?(?: only)?\D{0,12}(\d[\d,_]*)/i,
  /too large for model with (\d[\d,_]*) maximum context/i,
  /tokens?\s*>\s*(\d[\d,_]*) maximum/i,
  /maximum number of tokens allowed \(?(\d[\d,_]*)/i,
  /token limit\D{0,6}(\d[\d,_]*)/i,
  /max_new_tokens`? must be\D{0,6}(\d[\d,_]*)/i,
  /must have less than (\d[\d,_]*)/i,
  /cannot exceed (\d[\d,_]*)/i,
];

/** Whether an error says that the request is too long for the context window, with the window if the error names it. */
export function contextOverflowIn({ words, codes, numbers }: VendorError): { limit: number | null } | undefined {
  const isOverflow = codes.some((code) => overflowCodes.has(code)) || overflowWords.some((pattern) => pattern.test(words));
  // A limit of tokens per minute is a rate limit.
  if (!isOverflow || /per[ -](?:minute|day|hour)|\bTPM\b/i.test(words)) return undefined;
  const named = [numbers["n_ctx"], ...limits.map((pattern) => numberIn(pattern.exec(words)?.[1]))].find(isWindow);
  return { limit: named ?? null };
}

/** The windows that are believed, in tokens. */
const windows = { min: 128, max: 2_147_483_647 };

const isWindow = (tokens: number | undefined): tokens is number =>
  tokens !== undefined && Number.isInteger(tokens) && tokens >= windows.min && tokens <= windows.max;

function numberIn(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits.replace(/[,_]/g, ""));
}

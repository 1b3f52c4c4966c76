import { describe, expect, test } from "vitest";
import { contextOverflowIn } from "../../../src/models/vendor-errors/context-overflow.ts";
import { namedParameter, readVendorError } from "../../../src/models/vendor-errors/read-error.ts";

const openAi = (message: string, more: object = {}) =>
  JSON.stringify({ error: { message, type: "invalid_request_error", ...more } });

describe("a request that is too long", () => {
  test.each<[server: string, body: string, limit: number | null]>([
    [
      "OpenAI",
      openAi("This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.", {
        code: "context_length_exceeded",
      }),
      8_192,
    ],
    ["a code alone", openAi("Please reduce it.", { code: "context_length_exceeded" }), null],
    [
      "vLLM",
      JSON.stringify({
        object: "error",
        message: "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
        code: 400,
      }),
      4_096,
    ],
    [
      "llama.cpp",
      JSON.stringify({
        error: {
          code: 400,
          message: "the request exceeds the available context size, try increasing it",
          type: "exceed_context_size_error",
          n_prompt_tokens: 5000,
          n_ctx: 2048,
        },
      }),
      2_048,
    ],
    [
      "older llama.cpp",
      JSON.stringify({ error: { code: 500, message: "Context size has been exceeded.", type: "server_error" } }),
      null,
    ],
    ["llama-cpp-python", openAi("Requested tokens (2285) exceed context window of 2048"), 2_048],
    [
      "LM Studio",
      JSON.stringify({
        error:
          "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.",
      }),
      4_096,
    ],
    ["Ollama", JSON.stringify({ error: { message: "the input length exceeds the context length" } }), null],
    [
      "TGI",
      JSON.stringify({
        error:
          "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000 `inputs` tokens and 100 `max_new_tokens`",
      }),
      4_097,
    ],
    [
      "Mistral",
      JSON.stringify({
        object: "error",
        message: "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
      }),
      32_768,
    ],
    [
      "Anthropic",
      JSON.stringify({
        error: { type: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum" },
      }),
      200_000,
    ],
    [
      "Google",
      JSON.stringify({
        error: { message: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)." },
      }),
      1_048_576,
    ],
    ["Moonshot", openAi("Invalid request: Your request exceeded model token limit: 8192"), 8_192],
    [
      "xAI",
      JSON.stringify({ error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens." }),
      131_072,
    ],
    ["SGLang", openAi("The input (5000 tokens) is longer than the model's context length (4096 tokens)."), 4_096],
    [
      "Cohere",
      JSON.stringify({ message: "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000." }),
      4_081,
    ],
    [
      "OpenRouter",
      JSON.stringify({
        error: {
          message: "Provider returned error",
          metadata: { raw: openAi("This endpoint's maximum context length is 131072 tokens.") },
        },
      }),
      131_072,
    ],
    ["LiteLLM", openAi("litellm.ContextWindowExceededError: OpenAIException - it is too long"), null],
  ])("%s", (_server, body, limit) => {
    expect(contextOverflowIn(readVendorError(body))).toEqual({ limit });
  });

  test.each([
    openAi(
      "Request too large for model `a` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size.",
      { code: "rate_limit_exceeded" },
    ),
    openAi("max_tokens is too large: 5000. This model supports at most 4096 completion tokens."),
    openAi("Unsupported parameter: 'temperature'"),
    "not JSON",
    JSON.stringify({ detail: [{ loc: ["body", "messages"], msg: "Field required", input: "the context length is exceeded" }] }),
  ])("another refusal: %s", (body) => {
    expect(contextOverflowIn(readVendorError(body))).toBeUndefined();
  });
});

test.each([
  [openAi("Unsupported value: 'temperature' does not support 0.7", { param: "temperature" }), "temperature"],
  [JSON.stringify({ detail: [{ loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" }] }), "stream_options"],
  [openAi('"auto" tool choice requires a parser', { param: "tool_choice" }), "tool_choice"],
  [openAi("The content of the messages is not valid."), undefined],
])("the parameter of an error is found: %s", (body, parameter) => {
  expect(namedParameter(readVendorError(body))).toBe(parameter);
});

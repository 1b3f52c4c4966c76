import { bearer, script, type Json, type Protocol, type SseEvent } from "./script.ts";

type Message = { role: string };

/**
 * OpenAI's Chat Completions, as a dozen vendors speak it (https://platform.openai.com/docs/api-reference/chat).
 * @param models what `GET /models` says
 * @param usageIn what tells the tokens of a stream: an event of its own for those who ask, the last choice, or Groq's own field of it
 */
export function openaiChat(base: string, models: Json | Json[], usageIn: "event" | "choice" | "x_groq" = "event"): Protocol {
  return {
    base,
    key: bearer,
    reply(path, body, text) {
      if (path === "/models") return models;
      if (path === "/embeddings") return embeddings(body);
      if (path !== "/chat/completions") return undefined;
      const callsTool = body.tools !== undefined && !(body.messages as Message[]).some(({ role }) => role === "tool");
      if (body.stream !== true) return completion(body.model, callsTool, text);
      const includesUsage = (body.stream_options as Json | undefined)?.include_usage === true;
      return chunks(body.model, callsTool, text, usageIn === "event" && !includesUsage ? undefined : usageIn);
    },
    failure: (status, message) => ({ error: { message, type: "some_error", param: null, code: String(status) } }),
  };
}

const usage = {
  prompt_tokens: script.usage.input,
  completion_tokens: script.usage.output,
  total_tokens: script.usage.input + script.usage.output,
  prompt_tokens_details: { cached_tokens: script.usage.cached },
};

const toolCall = {
  id: script.toolCall.id,
  type: "function",
  function: { name: script.toolCall.name, arguments: JSON.stringify(script.toolCall.input) },
};

function completion(model: unknown, callsTool: boolean, text: readonly string[]): Json {
  const message = callsTool
    ? { role: "assistant", content: "", tool_calls: [toolCall] }
    : { role: "assistant", content: text.join("") };
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_790_000_000,
    model,
    choices: [{ index: 0, message, finish_reason: callsTool ? "tool_calls" : "stop" }],
    usage,
  };
}

function chunks(
  model: unknown,
  callsTool: boolean,
  text: readonly string[],
  usageIn: "event" | "choice" | "x_groq" | undefined,
): SseEvent[] {
  const chunk = (choices: Json[], more: Json = {}): SseEvent => ({
    data: { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_790_000_000, model, choices, ...more },
  });
  const delta = (piece: Json) => chunk([{ index: 0, delta: piece, finish_reason: null }]);
  const contentEvents = callsTool
    ? [delta({ tool_calls: [{ index: 0, ...toolCall }] })]
    : text.map((content) => delta({ content }));
  const last = chunk([{ index: 0, delta: {}, finish_reason: callsTool ? "tool_calls" : "stop" }], {
    ...(usageIn === "choice" ? { usage } : {}),
    ...(usageIn === "x_groq" ? { x_groq: { id: "req_1", usage } } : {}),
  });
  return [
    delta({ role: "assistant", content: "" }),
    ...contentEvents,
    last,
    ...(usageIn === "event" ? [chunk([], { usage })] : []),
    { data: "[DONE]" },
  ];
}

function embeddings({ input, model }: Json): Json {
  const data = (input as string[]).map((_, index) => ({ object: "embedding", index, embedding: script.vector }));
  const prompt_tokens = script.usage.input;
  return { object: "list", id: "emb-1", data, model, usage: { prompt_tokens, total_tokens: prompt_tokens } };
}

import { bearer, script, type Json, type Protocol, type SseEvent } from "./script.ts";

/** Cohere's second Chat API (https://docs.cohere.com/v2/reference/chat-stream). */
export const cohere: Protocol = {
  base: "",
  key: bearer,
  reply(path, body, text) {
    if (path === "/v1/models") return models;
    if (path === "/v2/embed") {
      return {
        id: "emb-1",
        embeddings: { float: (body.texts as string[]).map(() => script.vector) },
        texts: body.texts,
        meta: { billed_units: { input_tokens: script.usage.input } },
      };
    }
    if (path !== "/v2/chat") return undefined;
    const callsTool = body.tools !== undefined && !(body.messages as Json[]).some(({ role }) => role === "tool");
    return body.stream === true ? events(callsTool, text) : message(callsTool, text);
  },
  failure: (_, words) => ({ id: "err-1", message: words }),
};

const models = {
  models: [
    { name: "command-a-03-2025", endpoints: ["chat"], context_length: 256_000, features: ["tools", "json_mode"] },
    { name: "embed-multilingual-v3.0", endpoints: ["embed"], context_length: 512, features: null },
    { name: "rerank-v3.5", endpoints: ["rerank"], context_length: 4_096, features: null },
  ],
};

const usage = {
  billed_units: { input_tokens: script.usage.input, output_tokens: script.usage.output },
  tokens: { input_tokens: script.usage.input, output_tokens: script.usage.output },
  cached_tokens: script.usage.cached,
};

const toolCall = {
  id: script.toolCall.id,
  type: "function",
  function: { name: script.toolCall.name, arguments: JSON.stringify(script.toolCall.input) },
};

function message(callsTool: boolean, text: readonly string[]): Json {
  return {
    id: "msg-1",
    generation_id: "gen-1",
    message: {
      role: "assistant",
      ...(callsTool ? { tool_calls: [toolCall] } : { content: [{ type: "text", text: text.join("") }] }),
    },
    finish_reason: callsTool ? "TOOL_CALL" : "COMPLETE",
    usage,
  };
}

function events(callsTool: boolean, text: readonly string[]): SseEvent[] {
  const deltaEvent = (type: string, delta: Json): Json => ({ type, index: 0, delta: { message: delta } });
  const contentEvents = callsTool
    ? [
        deltaEvent("tool-call-start", { tool_calls: { ...toolCall, function: { ...toolCall.function, arguments: "" } } }),
        deltaEvent("tool-call-delta", { tool_calls: { function: { arguments: toolCall.function.arguments } } }),
        { type: "tool-call-end", index: 0 },
      ]
    : [
        deltaEvent("content-start", { content: { type: "text", text: "" } }),
        ...text.map((piece) => deltaEvent("content-delta", { content: { text: piece } })),
        { type: "content-end", index: 0 },
      ];
  const all: Json[] = [
    { type: "message-start", id: "msg-1", delta: { message: { role: "assistant" } } },
    ...contentEvents,
    { type: "message-end", delta: { finish_reason: callsTool ? "TOOL_CALL" : "COMPLETE", usage } },
  ];
  return all.map((data) => ({ event: data.type as string, data }));
}

import { script, type Json, type Protocol, type SseEvent } from "./script.ts";

type Message = { content: string | { type: string }[] };

/** Anthropic's Messages (https://platform.claude.com/docs/en/api/messages). */
export const anthropic: Protocol = {
  base: "/v1",
  key: (headers) => (headers["anthropic-version"] === undefined ? undefined : headers["x-api-key"]),
  reply(path, body, text) {
    if (path === "/models") return models;
    if (path !== "/messages") return undefined;
    const hasResult = (body.messages as Message[]).some(
      ({ content }) => Array.isArray(content) && content.some(({ type }) => type === "tool_result"),
    );
    const callsTool = body.tools !== undefined && !hasResult;
    return body.stream === true ? events(body.model, callsTool, text) : message(body.model, callsTool, text);
  },
  failure: (status, words) => ({ type: "error", error: { type: `error_${status}`, message: words }, request_id: "req_1" }),
};

const models = {
  data: [{ type: "model", id: "claude-sonnet-5-5", display_name: "Claude Sonnet 5.5", max_input_tokens: 1_000_000 }],
  has_more: false,
};

/** What was read from the cache is not part of the input, as Anthropic counts. */
const inputUsage = {
  input_tokens: script.usage.input - script.usage.cached,
  cache_read_input_tokens: script.usage.cached,
  cache_creation_input_tokens: 0,
};

const { id, name, input } = script.toolCall;

function message(model: unknown, callsTool: boolean, text: readonly string[]): Json {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model,
    content: [callsTool ? { type: "tool_use", id, name, input } : { type: "text", text: text.join("") }],
    stop_reason: callsTool ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage: { ...inputUsage, output_tokens: script.usage.output },
  };
}

function events(model: unknown, callsTool: boolean, text: readonly string[]): SseEvent[] {
  const block = callsTool ? { type: "tool_use", id, name, input: {} } : { type: "text", text: "" };
  const deltas: Json[] = callsTool
    ? [{ type: "input_json_delta", partial_json: JSON.stringify(input) }]
    : text.map((piece) => ({ type: "text_delta", text: piece }));
  const started = { ...message(model, callsTool, text), content: [], stop_reason: null };
  const all: Json[] = [
    { type: "message_start", message: { ...started, usage: { ...inputUsage, output_tokens: 1 } } },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "ping" },
    ...deltas.map((delta) => ({ type: "content_block_delta", index: 0, delta })),
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: callsTool ? "tool_use" : "end_turn", stop_sequence: null },
      usage: { output_tokens: script.usage.output },
    },
    { type: "message_stop" },
  ];
  return all.map((data) => ({ event: data.type as string, data }));
}

import { openaiChat } from "./openai-chat.ts";
import { script, type Json, type Protocol, type SseEvent } from "./script.ts";

/** OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses), beside its lists and embeddings. */
export function openaiResponses(base: string, models: Json): Protocol {
  const others = openaiChat(base, models);
  return {
    ...others,
    reply(path, body, text) {
      if (path !== "/responses") return others.reply(path, body, text);
      const callsTool = body.tools !== undefined && !(body.input as Json[]).some(({ type }) => type === "function_call_output");
      const item = callsTool ? toolItem : messageItem(text);
      const done = { ...head(body.model), status: "completed", output: [item], usage, incomplete_details: null };
      return body.stream === true ? events(head(body.model), item, done, text) : done;
    },
  };
}

const usage = {
  input_tokens: script.usage.input,
  input_tokens_details: { cached_tokens: script.usage.cached },
  output_tokens: script.usage.output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: script.usage.input + script.usage.output,
};

const head = (model: unknown): Json => ({ id: "resp_1", object: "response", created_at: 1_790_000_000, model });

const toolItem = {
  type: "function_call",
  id: "fc_1",
  call_id: script.toolCall.id,
  name: script.toolCall.name,
  arguments: JSON.stringify(script.toolCall.input),
  status: "completed",
};

const messageItem = (text: readonly string[]) => ({
  type: "message",
  id: "msg_1",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: text.join(""), annotations: [] }],
});

function events(response: Json, item: Json, done: Json, text: readonly string[]): SseEvent[] {
  const at = { item_id: item.id, output_index: 0 };
  const contentEvents: Json[] =
    item.type === "message"
      ? text.map((delta) => ({ type: "response.output_text.delta", ...at, content_index: 0, delta, logprobs: [] }))
      : [{ type: "response.function_call_arguments.delta", ...at, delta: item.arguments }];
  const started = item.type === "message" ? { ...item, content: [], status: "in_progress" } : { ...item, arguments: "" };
  const all: Json[] = [
    { type: "response.created", response: { ...response, status: "in_progress" } },
    { type: "response.output_item.added", output_index: 0, item: started },
    ...contentEvents,
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: done },
  ];
  return all.map((data, sequence_number) => ({ event: data.type as string, data: { ...data, sequence_number } }));
}

import { script, type Json } from "./script.ts";

export type FakeAi = {
  binding: Ai;
  runs: { model: string; inputs: Json }[];
  /** Lets the next runs fail, with the numbers that Workers AI gives its errors. */
  failNext(...codes: number[]): void;
};

/** The AI binding: it is called, not asked over HTTP, and streams events as the models of Workers AI do. */
export function fakeAi(): FakeAi {
  const runs: FakeAi["runs"] = [];
  const codes: number[] = [];
  const usage = { prompt_tokens: script.usage.input, completion_tokens: script.usage.output };
  const binding = {
    async run(model: string, inputs: Json): Promise<unknown> {
      runs.push({ model, inputs });
      const code = codes.shift();
      if (code !== undefined) throw new Error(`${code}: InferenceUpstreamError: words of the vendor`);
      if (inputs.text !== undefined) return { data: (inputs.text as string[]).map(() => script.vector) };
      const messages = inputs.messages as { role: string }[];
      const callsTool = inputs.tools !== undefined && !messages.some(({ role }) => role === "tool");
      const { id, name, input } = script.toolCall;
      const tool_calls = callsTool ? [{ id, name, arguments: input }] : [];
      if (inputs.stream !== true) return { response: callsTool ? "" : script.pieces.join(""), tool_calls, usage };
      const events = callsTool ? [{ tool_calls }] : script.pieces.map((response) => ({ response }));
      return sse([...events, { response: "", usage }]);
    },
    models: async () => [
      {
        name: "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
        task: { name: "Text Generation" },
        properties: [
          { property_id: "context_window", value: "24000" },
          { property_id: "function_calling", value: "true" },
        ],
      },
      { name: "@cf/baai/bge-base-en-v1.5", task: { name: "Text Embeddings" }, properties: [] },
      { name: "@cf/openai/whisper", task: { name: "Automatic Speech Recognition" }, properties: [] },
    ],
  };
  return { binding: binding as unknown as Ai, runs, failNext: (...next) => void codes.splice(0, codes.length, ...next) };
}

function sse(events: Json[]): ReadableStream<Uint8Array> {
  const lines = [...events.map((event) => JSON.stringify(event)), "[DONE]"];
  return new Blob(lines.map((line) => `data: ${line}\n\n`)).stream() as ReadableStream<Uint8Array>;
}

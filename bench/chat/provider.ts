import { createServer, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { listen } from "../../dev/listen.ts";

/** A question decides how it is answered: in so many chunks, so many ms apart. */
const answers: Record<string, { chunks: number; everyMs: number }> = {
  short: { chunks: 1, everyMs: 0 },
  fast: { chunks: 4_000, everyMs: 0 },
  steady: { chunks: 300, everyMs: 10_000 / 300 },
};

export type Question = "short" | "fast" | "steady";

/** What is said in answer to a question, chunk by chunk. */
export function chunksOf(question: string): string[] {
  return Array.from({ length: answers[question]!.chunks }, (_, n) => `word${n} `);
}

export interface Provider {
  /** What a model of the provider `custom` is told as its base URL. */
  baseUrl: string;
  host: string;
  close(): Promise<void>;
}

/** A model that speaks OpenAI's protocol, as fast as it can unless it is asked for steadiness. */
export async function startProvider(): Promise<Provider> {
  const events = new Map(Object.keys(answers).map((question) => [question, eventsOf(chunksOf(question))]));
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { messages } = JSON.parse(body) as { messages: { role: string; content: string }[] };
      const question = messages.findLast(({ role }) => role === "user")!.content;
      return answer(response, events.get(question)!, answers[question]!.everyMs);
    });
  });
  const { host, close } = await listen(server);
  return {
    baseUrl: `http://${host}/v1`,
    host,
    close,
  };
}

async function answer(response: ServerResponse, events: readonly string[], everyMs: number): Promise<void> {
  response.socket?.setNoDelay(true);
  response.writeHead(200, { "content-type": "text/event-stream" });
  if (everyMs === 0) return void response.end(events.join(""));
  const began = performance.now();
  for (const [index, event] of events.entries()) {
    const waitMs = began + index * everyMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    response.write(event);
  }
  response.end();
}

function eventsOf(chunks: readonly string[]): string[] {
  const event = (delta: object, finish_reason: string | null = null, more: object = {}) =>
    `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }], ...more })}\n\n`;
  const usage = { prompt_tokens: 10, completion_tokens: chunks.length, total_tokens: 10 + chunks.length };
  return [...chunks.map((content) => event({ role: "assistant", content })), event({}, "stop", { usage }), "data: [DONE]\n\n"];
}

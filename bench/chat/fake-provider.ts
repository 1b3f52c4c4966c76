import { createServer, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { listen } from "../../dev/listen.ts";

/** By question: the number of chunks of the answer, and the interval between them. */
const answers: Record<string, { chunks: number; intervalMs: number }> = {
  short: { chunks: 1, intervalMs: 0 },
  fast: { chunks: 4_000, intervalMs: 0 },
  steady: { chunks: 300, intervalMs: 10_000 / 300 },
};

export type Question = "short" | "fast" | "steady";

/** The text chunks of the answer to a question. */
export function answerChunks(question: string): string[] {
  return Array.from({ length: answers[question]!.chunks }, (_, n) => `word${n} `);
}

export interface FakeProvider {
  /** The base URL for a model of the provider `custom`. */
  baseUrl: string;
  host: string;
  close(): Promise<void>;
}

/** Starts a server of the Chat Completions protocol, which streams a fixed answer to each question. */
export async function startFakeProvider(): Promise<FakeProvider> {
  const events = new Map(Object.keys(answers).map((question) => [question, encodeEvents(answerChunks(question))]));
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { messages } = JSON.parse(body) as { messages: { role: string; content: string }[] };
      const question = messages.findLast(({ role }) => role === "user")!.content;
      return sendEvents(response, events.get(question)!, answers[question]!.intervalMs);
    });
  });
  const { host, close } = await listen(server);
  return { baseUrl: `http://${host}/v1`, host, close };
}

async function sendEvents(response: ServerResponse, events: readonly string[], intervalMs: number): Promise<void> {
  response.socket?.setNoDelay(true);
  response.writeHead(200, { "content-type": "text/event-stream" });
  if (intervalMs === 0) return void response.end(events.join(""));
  const startedAt = performance.now();
  for (const [index, event] of events.entries()) {
    const waitMs = startedAt + index * intervalMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    response.write(event);
  }
  response.end();
}

function encodeEvents(chunks: readonly string[]): string[] {
  const event = (delta: object, finish_reason: string | null = null, more: object = {}) =>
    `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }], ...more })}\n\n`;
  const usage = { prompt_tokens: 10, completion_tokens: chunks.length, total_tokens: 10 + chunks.length };
  return [...chunks.map((content) => event({ role: "assistant", content })), event({}, "stop", { usage }), "data: [DONE]\n\n"];
}

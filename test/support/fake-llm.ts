import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { listen } from "../../dev/listen.ts";

/**
 * A reply of the fake LLM: text deltas with a delay in ms between them, and whether the stream ends or stalls after them; a tool call; or an
 * error status.
 */
export type ScriptedReply = {
  pieces: readonly string[];
  everyMs?: number;
  ends?: boolean;
  status?: number;
  calls?: { name: string; input: object };
  /** The usage that it reports, instead of 10 tokens and one a piece. */
  usage?: object;
};

/** A request that the fake LLM received. */
export type ReceivedRequest = {
  model: string;
  messages: { role: string; content: string }[];
  tools?: object[];
  tool_choice?: unknown;
};

export type FakeLlm = {
  /** The base URL for a model of the provider `custom`. */
  baseUrl: string;
  host: string;
  requests: ReceivedRequest[];
  /** The number of running replies. A reply whose client disconnected is not running. */
  openReplies(): number;
  /** Sets the replies to the next requests, in order. The last one repeats. */
  replyWith(...speeches: ScriptedReply[]): void;
  close(): Promise<void>;
};

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A fake LLM with OpenAI's protocol and a configurable speed. */
export async function startFakeLlm(): Promise<FakeLlm> {
  const requests: ReceivedRequest[] = [];
  let replies: ScriptedReply[] = [{ pieces: ["Hello."] }];
  const openReplies = new Set<ServerResponse>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests.push(JSON.parse(await text(request)) as ReceivedRequest);
    const {
      pieces,
      everyMs = 0,
      ends = true,
      status = 200,
      calls,
      usage: reported,
    } = replies.length > 1 ? replies.shift()! : replies[0]!;
    openReplies.add(response);
    response.on("close", () => openReplies.delete(response));
    response.socket?.setNoDelay(true);
    response.writeHead(status, { "content-type": "text/event-stream" });
    const sendChunk = (delta: object, finish_reason: string | null = null, more: object = {}) =>
      response.write(
        `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }], ...more })}\n\n`,
      );
    for (const content of pieces) {
      if (response.destroyed) return;
      if (everyMs > 0) await pause(everyMs);
      sendChunk({ role: "assistant", content });
    }
    if (!ends) return;
    const usage = reported ?? { prompt_tokens: 10, completion_tokens: pieces.length, total_tokens: 10 + pieces.length };
    if (calls !== undefined) {
      const called = { name: calls.name, arguments: JSON.stringify(calls.input) };
      sendChunk({ tool_calls: [{ index: 0, id: `call-${requests.length}`, type: "function", function: called }] });
    }
    sendChunk({}, calls === undefined ? "stop" : "tool_calls", { usage });
    response.end("data: [DONE]\n\n");
  }

  const server = createServer((request, response) => void answer(request, response));
  const { host, close } = await listen(server);
  return {
    baseUrl: `http://${host}/v1`,
    host,
    requests: requests,
    openReplies: () => openReplies.size,
    replyWith: (...next) => void (replies = next),
    close,
  };
}

/** Pieces of a text that has as many words. */
export const words = (count: number): string[] => Array.from({ length: count }, (_, n) => `word${n} `);

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { listen } from "../../dev/listen.ts";

/**
 * What a speaker says when it is asked: pieces of text, so many ms apart, and whether it ends or falls silent then; a call of a tool; or a
 * refusal.
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

/** What a speaker was asked. */
export type ReceivedRequest = {
  model: string;
  messages: { role: string; content: string }[];
  tools?: object[];
  tool_choice?: unknown;
};

export type FakeLlm = {
  /** What a model of the provider `custom` is told as its base URL. */
  baseUrl: string;
  host: string;
  requests: ReceivedRequest[];
  /** How many answers are being given: a caller who hangs up is not answered any more. */
  openReplies(): number;
  /** What is said to the next questions, one after the other; the last of them ever after. */
  replyWith(...speeches: ScriptedReply[]): void;
  close(): Promise<void>;
};

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A model that speaks OpenAI's protocol at the speed that a test wants. */
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

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
  /** The finish reason, instead of the usual one; null for none before `[DONE]`. */
  finish?: string | null;
  /** Reasoning before the text, in `reasoning_content`. */
  reasoning?: string;
  /** The bytes of the stream, instead of chunks for `pieces`. */
  raw?: string;
};

/** A request that the fake LLM received. */
export type ReceivedRequest = {
  model: string;
  messages: { role: string; content: string }[];
  tools?: object[];
  tool_choice?: unknown;
  stream?: boolean;
  /** The other parameters. */
  [name: string]: unknown;
};

export type FakeLlm = {
  /** The base URL for a model of the provider `custom`. */
  baseUrl: string;
  host: string;
  requests: ReceivedRequest[];
  /** The paths of the requests, in order. */
  paths: string[];
  /** How the server differs from OpenAI's protocol. */
  quirks: ServerQuirks;
  /** The number of running replies. A reply whose client disconnected is not running. */
  openReplies(): number;
  /** Sets the replies to the next requests, in order. The last one repeats. */
  replyWith(...speeches: ScriptedReply[]): void;
  close(): Promise<void>;
};

/** How a server differs from OpenAI's protocol. */
export type ServerQuirks = {
  /** The parameters that it refuses, in the words of OpenAI. */
  refuses?: readonly string[];
  refusesSystem?: boolean;
  /** What it says about a request with tools. */
  toolsError?: { status: number; body: object };
  /** Whether it takes only strings as content. */
  onlyStrings?: boolean;
  /** Whether it sends answers whole, also if it is asked for a stream. */
  whole?: boolean;
  /** Its context window in tokens, of four characters each, and what it says about a longer prompt. */
  window?: number;
  overflow?: { status: number; body: object };
  /** The maximum number of texts per embedding request, and what it says about more. */
  batch?: number;
  batchError?: { status: number; body: object };
  /** Changes the data of embeddings: their order, or their indexes. */
  data?: (data: { index?: unknown; embedding: number[] }[]) => object[];
  /** Whether it requires the reasoning back with tool calls. */
  needsReasoning?: boolean;
  /** The only path below which it answers. */
  path?: string;
};

const openAiError = (message: string, more: object = {}) => ({ error: { message, type: "invalid_request_error", ...more } });

function refusalOf(quirks: ServerQuirks, url: string, body: ReceivedRequest): { status: number; body: object } | undefined {
  const { refuses = [], window, overflow, batch, batchError, path } = quirks;
  if (path !== undefined && !url.startsWith(`${path}/`)) return { status: 404, body: { detail: "Not Found" } };
  const messages = body.messages ?? [];
  const refused = refuses.find((name) => name in body);
  if (refused !== undefined) {
    const hint = refused === "max_tokens" ? " Use 'max_completion_tokens' instead." : "";
    const message = `Unsupported parameter: '${refused}' is not supported with this model.${hint}`;
    return { status: 400, body: openAiError(message, { param: refused, code: "unsupported_parameter" }) };
  }
  if (quirks.toolsError !== undefined && "tools" in body) return quirks.toolsError;
  if (quirks.refusesSystem && messages.some(({ role }) => role === "system"))
    return { status: 400, body: openAiError("System role not supported") };
  if (quirks.onlyStrings && messages.some(({ content }) => content !== null && typeof content !== "string"))
    return {
      status: 422,
      body: { detail: [{ loc: ["body", "messages", 1, "content"], msg: "Input should be a valid string" }] },
    };
  const size = JSON.stringify(messages).length / 4;
  if (window !== undefined && size > window) {
    const message = `This model's maximum context length is ${window} tokens. However, you requested ${Math.ceil(size)} tokens.`;
    return overflow ?? { status: 400, body: openAiError(message, { code: "context_length_exceeded" }) };
  }
  if (batch !== undefined && Array.isArray(body["input"]) && body["input"].length > batch)
    return batchError ?? { status: 400, body: openAiError(`batch size is invalid, it should not be larger than ${batch}.`) };
  const at = messages.findIndex(
    (message) => "tool_calls" in message && !(message as { reasoning_content?: string }).reasoning_content,
  );
  if (quirks.needsReasoning && at >= 0) {
    const message = `thinking is enabled but reasoning_content is missing in assistant tool call message at index ${at}`;
    return { status: 400, body: openAiError(message) };
  }
  return undefined;
}

/** The embedding of a text says how long the text is. */
function embeddingsOf({ data: change = (data) => data }: ServerQuirks, body: ReceivedRequest): object {
  const texts = [body["input"]].flat() as string[];
  const data = texts.map((each, index) => ({ object: "embedding", index, embedding: [each.length, 1] }));
  return {
    object: "list",
    data: change(data),
    model: body.model,
    usage: { prompt_tokens: texts.length, total_tokens: texts.length },
  };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A fake LLM with OpenAI's protocol and a configurable speed. */
export async function startFakeLlm(): Promise<FakeLlm> {
  const requests: ReceivedRequest[] = [];
  let replies: ScriptedReply[] = [{ pieces: ["Hello."] }];
  const openReplies = new Set<ServerResponse>();

  const paths: string[] = [];
  const llm = { quirks: {} as ServerQuirks };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await text(request)) as ReceivedRequest;
    requests.push(body);
    paths.push(request.url!);
    const sendJson = (status: number, value: object) =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    const refusal = refusalOf(llm.quirks, request.url!, body);
    if (refusal !== undefined) return sendJson(refusal.status, refusal.body);
    if (request.url!.endsWith("/embeddings")) return sendJson(200, embeddingsOf(llm.quirks, body));
    const {
      pieces,
      everyMs = 0,
      ends = true,
      status = 200,
      calls,
      usage: reported,
      finish,
      reasoning,
      raw,
    } = replies.length > 1 ? replies.shift()! : replies[0]!;
    openReplies.add(response);
    response.on("close", () => openReplies.delete(response));
    response.socket?.setNoDelay(true);
    if (status === 200 && (llm.quirks.whole === true || body.stream !== true)) {
      const message = { role: "assistant", content: pieces.join("") };
      const usage = reported ?? { prompt_tokens: 10, completion_tokens: pieces.length };
      return sendJson(200, {
        id: "1",
        choices: [{ index: 0, message, finish_reason: finish === undefined ? "stop" : finish }],
        usage,
      });
    }
    response.writeHead(status, { "content-type": "text/event-stream" });
    const sendChunk = (delta: object, finish_reason: string | null = null, more: object = {}) =>
      response.write(
        `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }], ...more })}\n\n`,
      );
    if (raw !== undefined) return void response.end(raw);
    if (reasoning !== undefined) sendChunk({ role: "assistant", reasoning_content: reasoning });
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
    const more = { usage, x_groq: { id: "1", usage } };
    if (finish === undefined) sendChunk({}, calls === undefined ? "stop" : "tool_calls", more);
    else sendChunk({}, finish, more);
    response.end("data: [DONE]\n\n");
  }

  const server = createServer((request, response) => void answer(request, response));
  const { host, close } = await listen(server);
  return {
    baseUrl: `http://${host}/v1`,
    host,
    requests,
    paths,
    get quirks() {
      return llm.quirks;
    },
    set quirks(next) {
      llm.quirks = next;
    },
    openReplies: () => openReplies.size,
    replyWith: (...next) => void (replies = next),
    close,
  };
}

/** Pieces of a text that has as many words. */
export const words = (count: number): string[] => Array.from({ length: count }, (_, n) => `word${n} `);

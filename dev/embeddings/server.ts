import { createServer, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import * as z from "zod";
import { listen, type Listening } from "../listen.ts";
import { encoderModel, type Embed } from "./encoder.ts";

/** The limit of OpenAI's API for texts, and about its limit for the length of one. */
const maxTexts = 2_048;
const maxCharacters = 32_768;

const text = z.string().min(1).max(maxCharacters);

const EmbeddingsBody = z.object({
  model: z.literal(encoderModel),
  input: z.union([text, z.array(text).min(1).max(maxTexts)]),
  encoding_format: z.literal("float").optional(),
});

type Reply = { status: number; body: unknown };

/**
 * Starts a server on this machine that speaks OpenAI's protocol for embeddings (https://platform.openai.com/docs/api-reference/embeddings):
 * `POST /v1/embeddings` and `GET /v1/models`. Requests are served one after the other.
 */
export async function startEmbeddingServer(embed: Embed): Promise<Listening> {
  let last: Promise<unknown> = Promise.resolve();
  const server = createServer((request, response) => {
    const reply = last.then(() => replyTo(request, embed));
    last = reply.catch(() => undefined);
    reply
      .catch((error: unknown): Reply => failure(500, error instanceof Error ? error.message : String(error)))
      .then(({ status, body }) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)))
      .catch(() => response.destroy());
  });
  return listen(server);
}

async function replyTo(request: IncomingMessage, embed: Embed): Promise<Reply> {
  const route = `${request.method} ${request.url}`;
  if (route === "GET /v1/models") {
    return { status: 200, body: { object: "list", data: [{ id: encoderModel, object: "model", owned_by: "local" }] } };
  }
  if (route !== "POST /v1/embeddings") return failure(404, `There is no ${route}.`);
  const body = EmbeddingsBody.safeParse(await json(request).catch(() => undefined));
  if (!body.success) return failure(400, z.prettifyError(body.error));
  const texts = [body.data.input].flat();
  const vectors = await embed(texts);
  const tokens = texts.reduce((sum, each) => sum + Math.ceil(each.length / 4), 0);
  const data = vectors.map((embedding, index) => ({ object: "embedding", index, embedding }));
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { status: 200, body: { object: "list", data, model: encoderModel, usage } };
}

function failure(status: number, message: string): Reply {
  return { status, body: { error: { message, type: status < 500 ? "invalid_request_error" : "server_error" } } };
}

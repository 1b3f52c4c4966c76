/** What the examples share: one user's calls to the API, waiting for a background job, and output. */
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EventSourceParserStream } from "eventsource-parser/stream";

/** Address of the server, without a slash at the end. */
export const api = (process.env.API || "http://127.0.0.1:8787").replace(/\/+$/, "");

/** A problem document (RFC 9457), as every failed request returns it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`${status} ${code}: ${detail}`);
    this.status = status;
    this.code = code;
  }
}

type Options = { method?: string; body?: unknown; headers?: Record<string, string> };

/** Calls of one user, or of nobody where there is no token. Every method returns the JSON of the reply. @throws ApiError */
export function createClient(token?: string) {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };

  async function request(path: string, { method = "GET", body, headers = {} }: Options = {}): Promise<Response> {
    const isForm = body instanceof FormData;
    const type: Record<string, string> = isForm || body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(api + path, {
      method,
      headers: { ...authorization, ...type, ...headers },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    });
    if (response.ok) return response;
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    throw new ApiError(response.status, code, detail);
  }

  const json = async <T>(path: string, options?: Options) => (await (await request(path, options)).json()) as T;

  return {
    /** Headers that say who calls. */
    authorization,
    /** The response itself: for text, streams and headers. */
    request,
    get: <T>(path: string) => json<T>(path),
    post: <T>(path: string, body?: unknown, headers?: Record<string, string>) =>
      json<T>(path, { method: "POST", body, ...(headers && { headers }) }),
    put: <T>(path: string, body: unknown) => json<T>(path, { method: "PUT", body }),
    patch: <T>(path: string, body: unknown, headers?: Record<string, string>) =>
      json<T>(path, { method: "PATCH", body, ...(headers && { headers }) }),
    delete: <T>(path: string) => json<T>(path, { method: "DELETE" }),
    /** Uploads a file as a dataset. */
    async upload<T>(path: string, file: string): Promise<T> {
      const form = new FormData();
      form.set("file", new Blob([await readFile(file)]), basename(file));
      return json<T>(path, { method: "POST", body: form });
    },
  };
}

export type Client = ReturnType<typeof createClient>;

/** Registers a user with a random name, who is signed in then. */
export async function register(): Promise<Client & { username: string; email: string }> {
  const username = `ada-${crypto.randomUUID().slice(0, 8)}`;
  const email = `${username}@example.com`;
  const { token } = await createClient().post<{ token: string }>("/api/auth/register", {
    username,
    email,
    password: "correct horse battery staple",
  });
  return { ...createClient(token), username, email };
}

/**
 * Reads a resource again and again until a job has done its work.
 * @throws Error after a minute, or where `isDone` throws
 */
export async function waitFor<T>(read: () => Promise<T>, isDone: (resource: T) => boolean): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const resource = await read();
    if (isDone(resource)) return resource;
    if (Date.now() > deadline) throw new Error("The job was not done within a minute.");
    await sleep(200);
  }
}

export type Dataset = {
  id: number;
  name: string;
  format: string;
  processing_status: string;
  sample_count: number;
  error: string | null;
};

/** Uploads a document and waits until a job has read it. @throws Error if the document cannot be read */
export async function uploadDocument(user: Client, file: string): Promise<Dataset> {
  const { dataset } = await user.upload<{ dataset: Dataset }>("/api/v2/datasets", file);
  const ready = await waitFor(
    async () => (await user.get<{ dataset: Dataset }>(`/api/v2/datasets/${dataset.id}`)).dataset,
    ({ processing_status }) => processing_status === "ready" || processing_status === "failed",
  );
  if (ready.processing_status === "failed") throw new Error(`${file} cannot be read: ${ready.error}`);
  return ready;
}

export type KnowledgeBase = {
  id: number;
  name: string;
  chunk_count: number;
  can_roll_back: boolean;
  build: { id: number; status: string; error: string | null } | null;
};

/** Puts datasets into a knowledge base and waits until a job has indexed them. @throws Error if the build fails */
export async function indexDatasets(user: Client, baseId: number, datasetIds: number[]): Promise<KnowledgeBase> {
  await user.post(`/api/v2/knowledge-bases/${baseId}/index`, { dataset_ids: datasetIds });
  const indexed = await waitFor(
    async () => (await user.get<{ knowledge_base: KnowledgeBase }>(`/api/v2/knowledge-bases/${baseId}`)).knowledge_base,
    ({ build }) => build !== null && build.status !== "building",
  );
  if (indexed.build?.status === "failed") throw new Error(`The datasets cannot be indexed: ${indexed.build.error}`);
  return indexed;
}

/** Creates a minion that knows the handbook of `examples/documents`. @param model the built-in model, or the id of one of the user's */
export async function createGuide(user: Client, model: string | number = "builtin/extractive"): Promise<number> {
  const dataset = await uploadDocument(user, join(import.meta.dirname, "documents/bicycle-shop.md"));
  const { knowledge_base } = await user.post<{ knowledge_base: KnowledgeBase }>("/api/v2/knowledge-bases", {
    name: "Handbook",
  });
  await indexDatasets(user, knowledge_base.id, [dataset.id]);
  const { minion } = await user.post<{ minion: { id: number } }>("/api/v2/minions", {
    name: "guide",
    display_name: "Guide",
    model,
    knowledge_base_id: knowledge_base.id,
    rag_enabled: true,
  });
  return minion.id;
}

/** Starts a conversation with a minion. */
export async function startConversation(user: Client, minionId: number): Promise<number> {
  const path = `/api/v2/minions/${minionId}/conversations`;
  return (await user.post<{ conversation: { id: number } }>(path, {})).conversation.id;
}

export type Citation = { number: number; source: string; text: string; start: number; end: number };
export type Message = {
  id: number;
  role: "user" | "assistant";
  text: string;
  parts: ({ type: "text" | "reasoning" | "tool" } | { type: "file"; id: string; name: string; media_type: string })[];
  status: string;
  citations: Citation[];
  error: { code: string; detail: string } | null;
};

/** Reads an event stream (SSE). @param response the reply to a request that accepts `text/event-stream` */
export async function* readEvents(response: Response): AsyncGenerator<{ id: string | undefined; data: string }> {
  const events = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { id, data } of events) yield { id, data };
}

/** Opens a WebSocket with a ticket, which works once. @param after the last `seq` that was received: what came later is replayed */
export async function openSocket(user: Client, resource: string, path: string, after?: number): Promise<WebSocket> {
  const { ticket } = await user.post<{ ticket: string }>("/api/v2/socket-tickets", { resource });
  const query = after === undefined ? `ticket=${ticket}` : `ticket=${ticket}&after=${after}`;
  return new WebSocket(`${api.replace(/^http/, "ws")}${path}?${query}`);
}

/** The frames of a socket, one after another. @throws Error if the server closes the socket */
export async function* readFrames<T>(socket: WebSocket): AsyncGenerator<T> {
  const received: T[] = [];
  let closeCode: number | undefined;
  let wake = () => {};
  socket.addEventListener("message", ({ data }) => {
    received.push(JSON.parse(String(data)) as T);
    wake();
  });
  socket.addEventListener("close", ({ code }) => {
    closeCode = code;
    wake();
  });
  for (;;) {
    const frame = received.shift();
    if (frame !== undefined) yield frame;
    else if (closeCode !== undefined) throw new Error(`The server closed the socket with code ${closeCode}.`);
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

const indent = " ".repeat(8);

/** Text without empty lines, indented but for its first line. */
const block = (text: string) =>
  text
    .trim()
    .replace(/\n\s*\n/g, "\n")
    .replaceAll("\n", `\n${indent}`);

/** Prints one message of a conversation. */
export function printMessage(name: string, text: string): void {
  console.log(name.padEnd(indent.length) + block(text));
}

/** Prints the passages that an answer quotes, each with its place in the document. */
export function printCitations(citations: Citation[]): void {
  for (const { number, source, text, start, end } of citations) {
    console.log(`${`[${number}]`.padEnd(indent.length)}${source}, characters ${start} to ${end}:\n${indent}${block(text)}`);
  }
}

/** Prints a heading. */
export function step(title: string): void {
  console.log(`\n${title}`);
}

process.on("uncaughtException", (error) => {
  const isDown = error instanceof TypeError && error.message === "fetch failed";
  const isExpected = error instanceof ApiError || error.name === "Error";
  const message = isExpected ? error.message : error;
  console.error(isDown ? `No server answers at ${api}. Start one with \`npm run dev\`, or set API.` : message);
  process.exit(1);
});

/** A model server that speaks OpenAI's Chat Completions; Ollama, unless the environment names another. */
export const modelServer = {
  url: (process.env.MODEL_URL || "http://127.0.0.1:11434/v1").replace(/\/+$/, ""),
  key: process.env.MODEL_KEY ?? "",
};

/** Connects MODEL_NAME, or the first model that the server lists, to a user's account. @throws Error if the server does not answer */
export async function connectModel(user: Client): Promise<{ id: number; name: string }> {
  const name = process.env.MODEL_NAME || (await firstModel());
  const { model_id } = await user.post<{ model_id: number }>("/api/v2/external-models", {
    name: "my-model",
    provider: "custom",
    model_id: name,
    base_url: modelServer.url,
    api_key: modelServer.key,
  });
  return { id: model_id, name };
}

async function firstModel(): Promise<string> {
  const headers: Record<string, string> = modelServer.key === "" ? {} : { authorization: `Bearer ${modelServer.key}` };
  const response = await fetch(`${modelServer.url}/models`, { headers }).catch(() => undefined);
  const list = response?.ok ? ((await response.json()) as { data?: { id: string }[] | null }) : undefined;
  const first = list?.data?.[0];
  if (first === undefined) {
    throw new Error(
      `${modelServer.url} lists no model. Start Ollama and pull one, or set MODEL_URL, MODEL_NAME and MODEL_KEY.`,
    );
  }
  return first.id;
}

import { createUser, authHeader, type Person } from "../support/users.ts";
import { bodyOf, type TestApi } from "../support/api.ts";
import { makeModel } from "../models/support/connected-provider.ts";
import { clientOf, makeMinion } from "../minions/support/minions.ts";

/** Users of a run, with one resource of every kind. */

/** A user, and the IDs of their resources by the path segment before them, such as `minions`. */
export type Sender = { name: string; person: Person; apiKey: string; ids: Map<string, (string | number)[]> };

export type World = {
  api: TestApi;
  /** Send most requests, and have resources. */
  senders: Sender[];
  administrator: Sender;
  /** Sends nothing. No other user may read the texts of its resources, which hold `canary`. */
  victim: Sender;
  canary: string;
  /** Texts that no reply may hold. */
  secrets: readonly string[];
  /** The base URL of the fake provider. */
  provider: string;
  providerKey: string;
};

/** The payloads of replies that are one resource, and the path segment before its ID. */
const payloads: Readonly<Record<string, string>> = {
  minion: "minions",
  fact: "memory",
  conversation: "conversations",
  message: "messages",
  dataset: "datasets",
  upload: "uploads",
  knowledge_base: "knowledge-bases",
  model: "external-models",
  api_key: "api-keys",
  attachment: "attachments",
  notification: "notifications",
};

/** The number of IDs of one kind that are kept. */
const maxIds = 12;

/** Remembers an ID of a sender. */
function addId({ ids }: Sender, kind: string, id: string | number): void {
  ids.set(kind, [...new Set([...(ids.get(kind) ?? []), id])].slice(-maxIds));
}

/** Remembers the resource in the reply to a sender. */
export function learnFrom(sender: Sender, body: unknown): void {
  if (typeof body !== "object" || body === null) return;
  for (const [name, value] of Object.entries(body)) {
    const kind = payloads[name];
    if (kind === undefined || typeof value !== "object" || value === null) continue;
    const { id } = value as { id?: unknown };
    if (typeof id === "number" || typeof id === "string") addId(sender, kind, id);
  }
}

/**
 * Creates a user with one resource of every kind, through the API. Every text of it holds `text`.
 * @throws the reply to a request that was refused
 */
export async function createSender(
  { api, provider, providerKey }: Pick<World, "api" | "provider" | "providerKey">,
  name: string,
  text: string,
  roles = ["user"],
): Promise<Sender> {
  const person = await createUser(api, roles);
  const sender: Sender = { name, person, apiKey: "", ids: new Map() };
  const client = clientOf(api, person);
  const post = async (path: string, body: unknown = {}) => taken(await client.post(path, body), sender);

  await client.patch("/me", { first_name: text });
  await client.put("/me/preferences", { preferences: { note: text } });
  const key = await post("/api-keys", { name: text, scopes: ["minions.read", "minions.write", "chat.use", "datasets.read"] });
  sender.apiKey = String(key["key"]);
  const model = await makeModel(client, { base_url: provider, api_key: providerKey, display_name: text, description: text });
  addId(sender, "external-models", model.id);
  const base = await post("/knowledge-bases", { name: text, description: text });
  await uploadDataset(api, sender, text);
  await post("/datasets/uploads", { file_name: "notes.txt", size: 20_000_000, name: text });
  const given = { personality: text, system_prompt: text, description: text };
  for (const chosen of ["builtin/extractive", String(model.id)]) {
    const { id } = await makeMinion(client, { ...given, display_name: `${text} ${chosen}`, model: chosen });
    addId(sender, "minions", id);
    await post(`/minions/${id}/conversations`, { title: text });
    await post(`/minions/${id}/memory`, { text });
  }
  for (const id of sender.ids.get("conversations") ?? []) {
    await post(`/conversations/${id}/messages`, { text: `Please remember ${text}.` });
  }
  const { id: baseId } = base["knowledge_base"] as { id: number };
  await post(`/knowledge-bases/${baseId}/index`, { dataset_ids: sender.ids.get("datasets") });
  addId(sender, "users", person.id);
  addId(sender, "user", person.id);
  addId(sender, "sessions", person.sessionId);
  return sender;
}

/** The body of a reply. @throws the reply, if it is an error */
function taken({ status, body }: { status: number; body: Record<string, unknown> }, sender: Sender) {
  if (status >= 400) throw new Error(`The user “${sender.name}” was refused: ${JSON.stringify(body)}`);
  learnFrom(sender, body);
  return body;
}

/** Uploads a dataset, and waits until it is ready. */
async function uploadDataset(api: TestApi, sender: Sender, text: string): Promise<void> {
  const headers = authHeader(sender.person.token);
  const paragraphs = Array.from({ length: 20 }, (_, index) => `Paragraph ${index} of ${text} is about number ${index * 31}.`);
  const body = new FormData();
  body.set("name", text);
  body.set("description", text);
  body.set("file", new File([paragraphs.join("\n\n")], "notes.txt"));
  const reply = await api.get("/api/v2/datasets", { method: "POST", headers, body });
  const { dataset } = taken({ status: reply.status, body: await bodyOf(reply) }, sender) as { dataset: { id: number } };
  for (;;) {
    const { dataset: now } = await bodyOf(await api.get(`/api/v2/datasets/${dataset.id}`, { headers }));
    if (now.processing_status === "ready") return;
    if (now.processing_status === "failed") throw new Error(`The dataset of “${sender.name}” failed: ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Whether the session of a sender lives. Asks a route that reads it from Postgres: others may know a revoked session for a while. */
export async function isSignedIn({ api }: Pick<World, "api">, { person }: Sender): Promise<boolean> {
  const reply = await api.get("/api/v2/api-keys", { headers: authHeader(person.token) });
  await reply.arrayBuffer();
  return reply.ok;
}

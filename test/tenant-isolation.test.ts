import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bodyOf, useApi } from "./support/api.ts";
import { prepare } from "./support/openapi-examples.ts";
import { send } from "./support/send.ts";
import { isGuarded, operations, type Listed } from "./support/openapi-operations.ts";
import { authHeader, createUser, type Person } from "./support/users.ts";

/** What a user can learn about the resources of another user: nothing, not even that they exist. */

const api = useApi();
let owner: Person;
let stranger: Person;

beforeEach(async () => {
  owner = await createUser(api);
  stranger = await createUser(api);
});

const isAdministration = ({ path }: Listed) => path.includes("/admin/");
const owned = operations.filter(
  (listed) =>
    isGuarded(listed) && !isAdministration(listed) && listed.path.includes("{id}") && listed.id !== "listSpiritAccess",
);

/** An ID that no row has. */
const unknownId = 2_000_000_000;

/** The parts of a refusal that do not differ between two requests for the same thing. The IDs of the request itself are hidden. */
async function refusalOf(reply: Response, ids: readonly (string | number)[]) {
  const { request_id: _, ...problem } = await bodyOf(reply);
  const text = ids.reduce<string>((hidden, id) => hidden.replaceAll(String(id), "<id>"), JSON.stringify(problem));
  const headers = [...reply.headers.keys()].filter((name) => name !== "date").toSorted();
  return { status: reply.status, problem: text, headers };
}

describe.each(owned)("$name", (listed) => {
  test("the reply for another user's resource equals the reply for a missing one", async () => {
    const existing = await prepare(api, owner, listed);
    const id = /\d+/.exec(existing.url.slice("/api/v2/".length))![0];
    const missing = { ...existing, url: existing.url.replace(`/${id}`, `/${unknownId}`) };
    const headers = listed.operation.parameters?.some(({ name }) => name === "if-match") ? { "if-match": '"7"' } : {};
    for (const given of [{}, headers]) {
      const replies = await Promise.all([existing, missing].map((each) => send(api, listed, each, stranger.token, given)));
      const [foreign, unknown] = await Promise.all(replies.map((reply) => refusalOf(reply, [id, unknownId])));
      expect(foreign!.status).toBe(404);
      expect(foreign).toEqual(unknown);
    }
  });
});

describe("a reference in a body", () => {
  type Reference = [operation: string, kind: string, body: (id: number) => object];
  const minion = (given: object) => ({
    name: "example",
    display_name: crypto.randomUUID(),
    model: "builtin/extractive",
    ...given,
  });
  const references: Reference[] = [
    ["createMinion", "getKnowledgeBase", (id) => minion({ knowledge_base_id: id })],
    ["createMinion", "getExternalModel", (id) => minion({ model: String(id) })],
    ["createMinion", "getExternalModel", (id) => minion({ fallback_models: [String(id)] })],
    ["updateMinion", "getKnowledgeBase", (id) => ({ knowledge_base_id: id })],
    ["updateMinion", "getExternalModel", (id) => ({ model: String(id) })],
    ["testExternalModel", "getExternalModel", (id) => ({ model_id: id })],
    ["chatExternal", "getMinion", (id) => ({ model_id: id, message: "An example" })],
    ["indexKnowledgeBase", "getDataset", (id) => ({ dataset_ids: [id] })],
    ["queryKnowledgeBase", "getExternalModel", (id) => ({ query: "example", rerank: true, model: String(id) })],
    ["addFact", "getMessage", (id) => ({ text: "An example", message_id: id })],
    ["createSocketTicket", "getConversation", (id) => ({ resource: `conversation:${id}` })],
  ];
  const named = (id: string) => operations.find((each) => each.id === id)!;

  test.each(references)("of %s to the resource of %s does not tell whether it exists", async (operation, kind, body) => {
    const { url } = await prepare(api, owner, named(kind));
    const foreignId = Number(/\d+$/.exec(url)![0]);
    const prepared = await prepare(api, stranger, named(operation));
    const [foreign, unknown] = await Promise.all(
      [foreignId, unknownId].map(async (id) => {
        const reply = await send(api, named(operation), { ...prepared, body: JSON.stringify(body(id)) }, stranger.token);
        return refusalOf(reply, [foreignId, unknownId]);
      }),
    );
    expect(foreign!.status).toBeGreaterThanOrEqual(400);
    expect(foreign!.status).toBeLessThan(500);
    expect(foreign).toEqual(unknown);
  });

  test("a chat does not tell whether another user's conversation exists", async () => {
    const { url } = await prepare(api, owner, named("getConversation"));
    const chat = named("chatExternal");
    const prepared = await prepare(api, stranger, chat);
    const foreignId = Number(/\d+$/.exec(url)![0]);
    const ask = async (conversation_id: number) => {
      const body = JSON.stringify({ ...(JSON.parse(String(prepared.body)) as object), conversation_id });
      return refusalOf(await send(api, chat, { ...prepared, body }, stranger.token), [foreignId, unknownId]);
    };
    const foreign = await ask(foreignId);
    expect(foreign.status).toBe(404);
    expect(foreign).toEqual(await ask(unknownId));
  });
});

describe("lists and figures", () => {
  /** Reads that change by themselves: the backlog of the whole server, and the export, which writes to the audit log that it shows. */
  const unstable = new Set(["getHealth", "exportMe"]);
  const reads = operations.filter(
    (listed) => listed.method === "GET" && !listed.path.includes("{") && !isAdministration(listed) && !unstable.has(listed.id),
  );

  /** All reads of a caller, without the values that change by themselves. */
  async function readAll(token?: string): Promise<Record<string, unknown>> {
    const bodies: Record<string, unknown> = {};
    for (const listed of reads) {
      const reply = await send(api, listed, await prepare(api, stranger, listed), token);
      const text = await reply.text();
      const stable = text.replace(/"(request_id|as_of|asked_at|exported_at|last_seen_at)":"[^"]*"/g, '"$1":""');
      bodies[listed.name] = `${reply.status} ${stable}`;
    }
    return bodies;
  }

  beforeAll(async () => {
    await api.get("/api/v2/spirits");
  });

  test("show a stranger nothing of what another user creates", async () => {
    await readAll(stranger.token);
    const before = { anonymous: await readAll(), stranger: await readAll(stranger.token) };
    for (const listed of owned.filter(({ method }) => method === "GET")) await prepare(api, owner, listed);
    expect({ anonymous: await readAll(), stranger: await readAll(stranger.token) }).toEqual(before);
  });

  test("count the public datasets for everyone, and only those that are ready", async () => {
    const count = async (token?: string) => {
      const init = token === undefined ? {} : { headers: authHeader(token) };
      return (await bodyOf(await api.get("/api/v2/datasets/health", init))).total_datasets as number;
    };
    const before = await count();
    const insert = (isPublic: boolean, status: string) =>
      api.database.sql(
        `insert into datasets (user_id, name, processing_status, folder, is_public) values ($1, 'example', $2, $3, $4)`,
        [owner.id, status, `users/${owner.id}/datasets/${crypto.randomUUID()}/`, isPublic],
      );
    await insert(false, "ready");
    await insert(true, "processing");
    expect([await count(), await count(owner.token)]).toEqual([before, before]);
    await insert(true, "ready");
    expect([await count(), await count(owner.token), await count(stranger.token)]).toEqual(Array(3).fill(before + 1));
  });

  test("count the models of the caller, and 0 for strangers and for refused credentials", async () => {
    for (let made = 0; made < 2; made += 1)
      await prepare(
        api,
        owner,
        operations.find(({ id }) => id === "getExternalModel")!,
      );
    const count = async (headers: Record<string, string> = {}) => {
      const reply = await api.get("/api/v2/external-models/health", { headers });
      return { status: reply.status, total: (await bodyOf(reply)).total_models as number };
    };
    expect(await count(authHeader(owner.token))).toEqual({ status: 200, total: 2 });
    expect(await count({ cookie: `__Host-spiritforge=${owner.token}` })).toEqual({ status: 200, total: 2 });
    const strangers = [{}, authHeader(stranger.token), authHeader(`${owner.token}x`), authHeader("sf_unknown")];
    for (const headers of strangers) expect(await count(headers)).toEqual({ status: 200, total: 0 });
    await api.database.sql("update users set banned_at = now(), ban_reason = 'spam' where id = $1", [stranger.id]);
    expect(await count(authHeader(stranger.token))).toEqual({ status: 200, total: 0 });
  });
});

import { beforeAll, describe, expect, test } from "vitest";
import type { Row } from "../../src/datasets/rows/read-rows.ts";
import { clientOf, databaseTrips, faultsIn, makeMinion, refusalIn, type Client } from "../minions/support/minions.ts";
import { useApi } from "../support/api.ts";
import { createUser, type Person } from "../support/users.ts";

const api = useApi();
let person: Person;
let me: Client;

const facts = [
  "The Danube flows through ten countries and ends in the Black Sea.",
  "The Rhine rises in the Alps and reaches the North Sea at Rotterdam.",
  "Knead the dough for ten minutes and let it rise overnight.",
];

beforeAll(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
});

/** A dataset of these texts, ready to be indexed. */
async function makeDataset(owner: Person, texts: readonly string[]): Promise<number> {
  const { FILES } = await api.worker.getEnv();
  const key = `users/${owner.id}/datasets/${crypto.randomUUID()}`;
  const rows = texts.map((text, index): Row => ({
    index,
    kind: "text",
    text,
    fields: null,
    source: `facts.txt#${index + 1}`,
    start: 0,
    hash: "",
    dropped: null,
  }));
  await FILES.put(key, rows.map((row) => JSON.stringify(row)).join("\n"));
  const [row] = await api.database.sql(
    "insert into datasets (user_id, name, processing_status, parts) values ($1, 'facts', 'ready', $2) returning id",
    [owner.id, JSON.stringify([{ key, rows: rows.length }])],
  );
  return Number(row!["id"]);
}

const embedsElsewhere = { name: "embeds", provider: "custom", model_id: "bge-m3", base_url: "https://models.example.com/v1" };

let named = 0;
async function makeBase(client = me, given: object = {}) {
  const { status, body } = await client.post("/knowledge-bases", { name: `Base ${++named}`, ...given });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body.knowledge_base as { id: number; version: number };
}

async function built(client: Client, id: number) {
  for (let tries = 0; tries < 100; tries += 1) {
    const { body } = await client.get(`/knowledge-bases/${id}`);
    if (body.knowledge_base.build?.status !== "building") return body.knowledge_base;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("It is building still.");
}

/** A base that has these texts. */
async function makeIndexed(texts: readonly string[] = facts) {
  const dataset = await makeDataset(person, texts);
  const { id } = await makeBase();
  expect((await me.post(`/knowledge-bases/${id}/index`, { dataset_ids: [dataset] })).status).toBe(202);
  await built(me, id);
  return { id, dataset };
}

describe("a knowledge base", () => {
  test("it is created, renamed with a version check, listed and deleted", async () => {
    const made = await me.post("/knowledge-bases", { name: " Rivers ", description: "Of Europe" });
    expect([made.status, made.body.knowledge_base]).toMatchObject([
      201,
      {
        name: "Rivers",
        embedding_model: "builtin/hashing-384",
        dimensions: null,
        chunk_count: 0,
        datasets: [],
        build: null,
        version: 1,
      },
    ]);
    expect(made.body.knowledge_base).not.toHaveProperty("user_id");
    const path = `/knowledge-bases/${made.body.knowledge_base.id}`;
    expect(refusalIn(await me.post("/knowledge-bases", { name: "rivers" }))).toEqual([409, "conflict"]);
    const renamed = await me.patch(path, { name: "Streams" }, { "if-match": '"1"' });
    expect([renamed.headers.get("etag"), renamed.body.knowledge_base.name]).toEqual(['"2"', "Streams"]);
    expect(refusalIn(await me.patch(path, { name: "Creeks" }, { "if-match": '"1"' }))).toEqual([412, "precondition_failed"]);
    const { body } = await me.get("/knowledge-bases?limit=1");
    expect(body).toMatchObject({ success: true, knowledge_bases: [{ name: "Streams" }], total: 1 });
    expect((await me.delete(path)).status).toBe(200);
    expect(refusalIn(await me.get(path))).toEqual([404, "not_found"]);
  });

  test.each([
    ["embedding_model", { embedding_model: "builtin/extractive" }],
    ["embedding_model", { embedding_model: "openai/text-embedding-3-small" }],
    ["embedding_model", { embedding_model: "workers-ai/@cf/baai/bge-base-en-v1.5" }],
    ["embedding_model", { embedding_model: "nonsense" }],
    ["name", { name: " " }],
  ])("an invalid %s is refused: %j", async (field, given) => {
    const refused = await me.post("/knowledge-bases", { name: `Refused ${++named}`, ...given });
    expect([refused.status, faultsIn(refused)]).toEqual([422, [field]]);
  });

  test("a missing model, or a language model, is refused as its embedding model", async () => {
    const { body } = await me.post("/external-models", {
      name: "answers",
      provider: "custom",
      model_id: "llama",
      base_url: "https://models.example.com/v1",
    });
    for (const embedding_model of [body.model.id, 2_000_000_000])
      expect(refusalIn(await me.post("/knowledge-bases", { name: "Refused", embedding_model }))).toEqual([
        422,
        "validation_failed",
      ]);
  });

  test("its embedding model cannot be deleted", async () => {
    const made = await me.post("/external-models", embedsElsewhere);
    const { id } = await makeBase(me, { embedding_model: made.body.model.id });
    expect(refusalIn(await me.delete(`/external-models/${made.body.model.id}`))).toEqual([409, "conflict"]);
    await me.delete(`/knowledge-bases/${id}`);
    expect((await me.delete(`/external-models/${made.body.model.id}`)).status).toBe(200);
  });

  test("it is visible only to its owner", async () => {
    const { id, dataset } = await makeIndexed();
    const stranger = clientOf(api, await createUser(api));
    const attempts = [
      stranger.get(`/knowledge-bases/${id}`),
      stranger.patch(`/knowledge-bases/${id}`, { name: "mine" }),
      stranger.delete(`/knowledge-bases/${id}`),
      stranger.delete(`/knowledge-bases/${id}/datasets/${dataset}`),
      stranger.post(`/knowledge-bases/${id}/query`, { query: "river" }),
      stranger.post(`/knowledge-bases/${id}/index`, { dataset_ids: [dataset] }),
      stranger.post(`/knowledge-bases/${id}/rollback`),
      stranger.post(`/knowledge-bases/${id}/evaluate`, { questions: [{ question: "x", relevant: [{ source: "x" }] }] }),
    ];
    for (const refused of await Promise.all(attempts)) expect(refusalIn(refused)).toEqual([404, "not_found"]);
    const { id: theirs } = await makeBase(stranger);
    expect(refusalIn(await stranger.post(`/knowledge-bases/${theirs}/index`, { dataset_ids: [dataset] }))).toEqual([
      422,
      "validation_failed",
    ]);
  });
});

describe("a query", () => {
  test("it finds passages with their positions in one round trip", async () => {
    const { id, dataset } = await makeIndexed();
    await me.get("/knowledge-bases");
    const answer = await me.post(`/knowledge-bases/${id}/query`, {
      query: "Which sea does the Rhine reach?",
      top_k: 2,
    });
    const { status, body } = answer;
    expect([status, databaseTrips(answer)]).toEqual([200, 1]);
    expect(body).toMatchObject({
      total: 2,
      passages: [
        { text: facts[1], dataset_id: dataset, source: "facts.txt#2", start: 0, end: facts[1]!.length, heading: null },
        {},
      ],
    });
    const filtered = await me.post(`/knowledge-bases/${id}/query`, { query: "Rhine", filter: { sources: ["facts.txt#3"] } });
    expect(filtered.body.passages).toMatchObject([{ text: facts[2] }]);
  });

  test.each([
    ["query", { query: " " }],
    ["top_k", { query: "x", top_k: 21 }],
    ["threshold", { query: "x", threshold: 1.5 }],
    ["filter.tag", { query: "x", filter: { tag: "x" } }],
    ["model", { query: "x", rerank: true }],
    ["model", { query: "x", expand: true, model: "builtin/extractive" }],
  ])("an invalid %s of a query is refused: %j", async (field, query) => {
    const { id } = await makeBase();
    const refused = await me.post(`/knowledge-bases/${id}/query`, query);
    expect([refused.status, faultsIn(refused)]).toEqual([422, [field]]);
  });

  test("it is 503 while Postgres is down and works afterwards", async () => {
    const { id } = await makeIndexed();
    const query = () => me.post(`/knowledge-bases/${id}/query`, { query: "Rhine" });
    await query();
    await api.stopPostgres();
    try {
      expect(refusalIn(await query())).toEqual([503, "database_unavailable"]);
    } finally {
      await api.startPostgres();
    }
    expect((await query()).status).toBe(200);
  });
});

test("an evaluation reports the ranks of the expected passages", async () => {
  const { id } = await makeIndexed();
  const answer = await me.post(`/knowledge-bases/${id}/evaluate`, {
    questions: [
      { question: facts[1], relevant: [{ text: "North Sea" }] },
      { question: facts[0], relevant: [{ source: "facts.txt#1" }, { text: "is nowhere" }] },
    ],
  });
  const { status, body } = answer;
  expect([status, databaseTrips(answer)]).toEqual([200, 1]);
  expect(body.metrics).toMatchObject({ recall_at_1: 0.75, recall_at_5: 0.75, recall_at_10: 0.75, mrr_at_10: 1 });
  expect(body.metrics.latency_ms_p95).toBeGreaterThan(0);
  expect(body).toMatchObject({ total: 2, generated_by: null, questions: [{ recall_at_10: 1 }, { recall_at_10: 0.5 }] });
});

test("a minion may use only a knowledge base of its owner, and none after its deletion", async () => {
  const { id } = await makeBase();
  const minion = await makeMinion(me, { knowledge_base_id: id, rag_enabled: true });
  expect(minion.knowledge_base_id).toBe(id);
  const stranger = clientOf(api, await createUser(api));
  const refused = await stranger.post("/minions", {
    name: "x",
    display_name: "x",
    model: "builtin/extractive",
    knowledge_base_id: id,
  });
  expect([refused.status, faultsIn(refused)]).toEqual([422, ["knowledge_base_id"]]);
  expect(databaseTrips(await me.patch(`/minions/${minion.id}`, { knowledge_base_id: id }))).toBe(1);
  await me.delete(`/knowledge-bases/${id}`);
  expect((await me.get(`/minions/${minion.id}`)).body.minion.knowledge_base_id).toBeNull();
});

test("an account's knowledge is exported and deleted with it, even during a build", async () => {
  const leaver = await createUser(api);
  const client = clientOf(api, leaver);
  const model = await client.post("/external-models", embedsElsewhere);
  await makeBase(client, { embedding_model: model.body.model.id });
  const { id } = await makeBase(client);
  await makeMinion(client, { knowledge_base_id: id });
  const dataset = await makeDataset(leaver, facts);
  await client.post(`/knowledge-bases/${id}/index`, { dataset_ids: [dataset] });
  await built(client, id);
  const { body } = await client.get("/me/export");
  expect(body.data.knowledge_parts).toMatchObject([{ knowledge_base_id: id, dataset_id: dataset, chunk_count: 3 }]);
  expect([body.data.knowledge_bases.length, body.data.knowledge_builds.length]).toEqual([2, 1]);
  const others = await makeDataset(person, facts);
  await api.database.sql("insert into dataset_uses (dataset_id, used_by) values ($1, $2)", [others, `knowledge-base:${id}`]);
  expect((await client.delete("/me", {})).status).toBe(202);
  const left = () => api.database.sql("select id from users where id = $1", [leaver.id]);
  await expect.poll(left).toEqual([]);
  expect(await api.database.sql("select from dataset_uses where dataset_id = $1", [others])).toEqual([]);
  expect(await api.database.sql("select from knowledge_parts where knowledge_base_id = $1", [id])).toEqual([]);
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { evaluateBase } from "../../../src/knowledge/search/evaluate.ts";
import type { AppError } from "../../../src/kit/errors.ts";
import { queryBase, searchBase } from "../../../src/knowledge/search/query.ts";
import { baseOf } from "../../../src/knowledge/queries.ts";
import { QueryBody, type EvaluateBody } from "../../../src/knowledge/schemas.ts";
import { createBase, getBase } from "../../../src/knowledge/service.ts";
import { startBuild } from "../../../src/knowledge/indexing/start-build.ts";
import { outcomeOf } from "../../minions/support/minions.ts";
import { providerKey } from "../../support/canary.ts";
import { createUser, type Person } from "../../support/users.ts";
import { startVendor, type FakeVendor } from "../../support/vendors/server.ts";
import { fakedVendor } from "../../support/vendors/vendors.ts";
import { useIndexHarness } from "../support/memory-datasets.ts";

/** Knowledge bases that a provider embeds, and models that help to search them. */

const key = providerKey("of-the-vendor");
let vendor: FakeVendor;
/** The next replies of the vendor's models, before the default script. */
let answers: string[] = [];
/** What the vendor embeds every text as; the script of all vendors unless told. */
let vectors: readonly number[] | undefined;
let me: Person;
let embeds: number;
let replies: number;
let named = 0;

beforeAll(async () => {
  const { protocol } = fakedVendor("custom");
  const answering = {
    ...protocol,
    key: () => key,
    reply: (path: string, body: Record<string, unknown>, text: readonly string[]) => {
      const next = path === "/chat/completions" ? answers.shift() : undefined;
      if (path === "/embeddings" && vectors !== undefined) {
        const data = (body["input"] as string[]).map((_, index) => ({ object: "embedding", index, embedding: vectors }));
        return { object: "list", data, usage: { prompt_tokens: 5 } };
      }
      return protocol.reply(path, body, next === undefined ? text : [next]);
    },
  };
  vendor = await startVendor(answering, key);
});

afterAll(() => vendor.close());

const harness = useIndexHarness(() => ({ EGRESS_ALLOWED_HOSTS: new URL(vendor.baseUrl).host }));

beforeEach(async () => {
  me = await createUser(harness);
  embeds = await makeModel("bge-m3", ["embedding"]);
  replies = await makeModel("llama", ["chat"]);
  answers = [];
  vectors = undefined;
  vendor.failNext();
  harness.texts = { 1: ["The Danube ends in the Black Sea.", "The Rhine ends in the North Sea.", "Bread must rise."] };
});

async function makeModel(model_id: string, capabilities: string[]): Promise<number> {
  const [row] = await harness.database.sql(
    `insert into external_models (user_id, name, display_name, provider, model_id, base_url, capabilities)
     values ($1, $2, $2, 'custom', $2, $3, $4) returning id`,
    [me.id, model_id, vendor.baseUrl, capabilities],
  );
  return Number(row!["id"]);
}

async function makeBase(embedding_model = String(embeds)) {
  const { id } = await createBase(harness.ctx, me.id, { name: `Base ${++named}`, embedding_model });
  return id;
}

async function build(id: number, update_strategy: "append" | "replace" = "append") {
  const settings = { strategy: "auto", chunk_size: 1_000, chunk_overlap: 100 } as const;
  await startBuild(harness.ctx, me.id, id, { ...settings, dataset_ids: [1], update_strategy }, harness.datasets);
  await harness.work();
  return baseOf(await getBase(harness.ctx, me.id, id));
}

const usage = () =>
  harness.database.sql(
    "select outcome, external_model_id from model_calls where user_id = $1 and purpose = 'knowledge' order by id",
    [me.id],
  );
const query = (id: number, given: object = {}) =>
  queryBase(harness.ctx, me.id, id, QueryBody.parse({ query: "Which sea?", ...given }));

describe("a knowledge base with an external embedding model", () => {
  test("its vectors have the dimensions of the model, and the usage of its calls is recorded", async () => {
    const id = await makeBase();
    expect(await build(id)).toMatchObject({ dimensions: 3, chunk_count: 3, build: { status: "complete" } });
    const { passages } = await query(id);
    expect(passages).toHaveLength(3);
    expect(await usage()).toEqual([1, 2].map(() => ({ outcome: "complete", external_model_id: embeds })));
    const values = vendor.requests.filter(({ path }) => path.endsWith("/embeddings")).map(({ body }) => body["input"]);
    expect(values).toEqual([harness.texts[1], ["Which sea?"]]);
  });

  test("a build waits while the provider is down and completes when it is back", async () => {
    const id = await makeBase();
    // Each delivery asks twice.
    vendor.failNext({ status: 503 }, { status: 503 }, { status: 503 }, { status: 503 });
    expect(await build(id)).toMatchObject({ chunk_count: 3, build: { status: "complete", error: null } });
  });

  test("a failed build names the provider, and the previous build stays searchable", async () => {
    const id = await makeBase();
    await build(id);
    vendor.failNext(...Array.from({ length: 20 }, () => ({ status: 503 })));
    expect(await build(id, "replace")).toMatchObject({
      chunk_count: 3,
      can_roll_back: false,
      build: { status: "failed", error: "Custom (OpenAI-compatible) is unavailable. Try again later.", is_active: false },
    });
    expect(await harness.database.sql("select from outbox")).toEqual([]);
    vendor.failNext();
    expect((await query(id)).passages).toHaveLength(3);
  });

  test("a rejected key fails the build at once and marks the key", async () => {
    const id = await makeBase();
    vendor.failNext({ status: 401 });
    expect((await build(id)).build).toMatchObject({ status: "failed", error: expect.stringContaining("rejected the API key") });
    expect((await usage()).map(({ outcome }) => outcome)).toEqual(["failed"]);
  });

  test("a query is 502 while the provider is down, and its usage is recorded", async () => {
    const id = await makeBase();
    await build(id);
    vendor.failNext({ status: 500 }, { status: 500 });
    await expect(query(id)).rejects.toMatchObject({ failure: { code: "provider_unavailable", status: 502 } });
    await harness.events.settled();
    expect((await usage()).map(({ outcome }) => outcome)).toEqual(["complete", "failed"]);
    expect((await query(id, { method: "keyword", query: "sea" })).passages).toHaveLength(2);
  });

  test.each([
    ["no direction", [0, 0, 0], "a vector of zeros"],
    ["components that are too large", [1e39, 1, 1], "a component that is not a number between -65504 and 65504"],
    ["more than 4,000 numbers", Array(5_000).fill(1), "a vector of 5000 numbers. The maximum is 4000"],
  ])("vectors with %s are 502 for a query, and fail a build", async (_, vector, fault) => {
    const id = await makeBase();
    await build(id);
    vectors = vector;
    const failure = await query(id).then(undefined, (error: { failure?: AppError }) => error.failure ?? error);
    expect(failure).toMatchObject({ code: "provider_refused", status: 502 });
    expect((await build(await makeBase())).build).toMatchObject({ status: "failed", error: expect.stringContaining(fault) });
  });

  test("vectors with other dimensions are refused", async () => {
    const id = await makeBase();
    await harness.database.sql("update knowledge_bases set dimensions = 4 where id = $1", [id]);
    expect((await build(id)).build).toMatchObject({
      status: "failed",
      error: expect.stringContaining("3 numbers instead of 4"),
    });
  });
});

describe("a helper model of a search", () => {
  let id: number;
  beforeEach(async () => {
    id = await makeBase("builtin/hashing-384");
    await build(id);
  });

  test("it expands the query with other words", async () => {
    answers = ["Where does the estuary lie?\nBread dough rise"];
    const { passages, warnings } = await query(id, { query: "zzz", method: "keyword", expand: true, model: replies });
    expect([passages.map(({ text }) => text), warnings]).toEqual([["Bread must rise."], []]);
    await harness.events.settled();
    expect(await usage()).toEqual([{ outcome: "complete", external_model_id: replies }]);
  });

  test("it reranks the passages, those that it omits last", async () => {
    const plain = (await query(id)).passages.map(({ text }) => text);
    answers = ["Sure: [3, 99, 1]"];
    const { passages } = await query(id, { rerank: true, model: replies });
    expect(passages.map(({ text }) => text)).toEqual([plain[2], plain[0], plain[1]]);
    expect(passages.map(({ score }) => score > 0)).toEqual([true, true, true]);
  });

  test("a failed or useless reply leaves the results unchanged and is reported", async () => {
    const plain = (await query(id)).passages;
    answers = ["I would rather not."];
    expect(await query(id, { rerank: true, model: replies })).toEqual({
      passages: plain,
      warnings: ["The model did not return an order of the passages."],
    });
    vendor.failNext({ status: 400 });
    const { passages, warnings } = await query(id, { expand: true, model: replies });
    expect([passages, warnings]).toEqual([
      plain,
      ["Custom (OpenAI-compatible) refused the request. Check the model and its settings."],
    ]);
  });

  test("it must be a language model of the user", async () => {
    expect(await outcomeOf(query(id, { rerank: true, model: embeds }))).toBe("validation_failed");
    expect(await outcomeOf(query(id, { rerank: true, model: 2_000_000_000 }))).toBe("not_found");
  });

  test("it generates questions for an evaluation, each from one passage", async () => {
    answers = ["Where does the Danube end?", "Where does the Rhine end?", "What must bread do?"];
    const body = { model: String(replies), count: 3, method: "hybrid" } as EvaluateBody;
    const { metrics, total, generated_by } = await evaluateBase(harness.ctx, me.id, id, body);
    expect([total, generated_by, metrics.recall_at_10]).toEqual([3, String(replies), 1]);
    expect(await outcomeOf(evaluateBase(harness.ctx, me.id, await makeBase("builtin/hashing-384"), body))).toBe("conflict");
    vendor.failNext({ status: 400 });
    await expect(evaluateBase(harness.ctx, me.id, id, body)).rejects.toMatchObject({ failure: { code: "provider_refused" } });
  });
});

test("concurrent queries of one knowledge base share one round trip", async () => {
  const id = await makeBase("builtin/hashing-384");
  await build(id);
  const before = harness.bridge.roundTrips();
  const queries = ["Danube", "Rhine", "bread"].map((text) => ({ query: text, top_k: 1, method: "hybrid" as const }));
  const found = await searchBase(harness.ctx, me.id, id, queries);
  expect(found.map(({ passages }) => passages[0]?.text)).toEqual(harness.texts[1]);
  expect(harness.bridge.roundTrips() - before).toBe(1);
});

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { app } from "../../../src/app.ts";
import type { ProviderName } from "../../../src/models/providers/providers.ts";
import type { syncNvidia, syncNvidiaModel } from "../../../src/models/external-models/nvidia-sync.ts";
import { openProvider } from "../../../src/models/providers/registry.ts";
import { createModel } from "../../../src/models/external-models/service.ts";
import { bodyOf, noRoundTrips, openTestDatabase, startStoppableBridge, type TestDatabase } from "../../support/api.ts";
import { providerKey } from "../../support/canary.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";
import { authHeader, createUser } from "../../support/users.ts";
import { fakeAi } from "../../support/vendors/workers-ai.ts";
import { newModel } from "../support/connected-provider.ts";
import { failureOf } from "../support/scripted-model.ts";

const hour = 3_600_000;
const publicHosts = { openrouter: "openrouter.ai", huggingface: "router.huggingface.co", nvidia: "integrate.api.nvidia.com" };

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let server: Server;
/** With which key each list was asked for, in order. */
let receivedKeys: (string | undefined)[];
/** What a key is told that there is; nothing is a server that is out. */
let listed: (key: string | undefined) => string[] | undefined;
let ai: Ai;
let bindings: Cloudflare.Env;
let events: ReturnType<typeof createTestContexts>;

beforeAll(async () => {
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
  server = createServer(({ headers }, response) => {
    const key = headers.authorization?.replace("Bearer ", "");
    receivedKeys.push(key);
    const ids = listed(key);
    response
      .writeHead(ids === undefined ? 503 : 200, { "content-type": "application/json" })
      .end(JSON.stringify({ data: ids?.map((id) => ({ id, max_model_len: 4_096 })) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  server.close();
  await bridge.stopPostgres();
  await database.close();
});

beforeEach(() => {
  receivedKeys = [];
  listed = () => ["one/model-7b"];
  const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = globalThis.fetch;
  vi.stubGlobal("fetch", (input: string, init?: RequestInit) => {
    const { host, pathname } = new URL(input);
    return send(Object.values(publicHosts).includes(host) ? `${here}${pathname}` : input, init);
  });
  vi.spyOn(console, "warn").mockReturnValue();
  vi.useFakeTimers({ toFake: ["Date"] });
  ai = fakeAi().binding;
  bindings = testBindings(bridge.url, { AI: ai });
  events = createTestContexts(bindings);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** How an isolate that has read nothing yet reads a list. */
async function newIsolate() {
  vi.resetModules();
  const { publicModelList: openLister, readModelList } = await import("../../../src/models/providers/model-list-cache.ts");
  return async (name: ProviderName = "nvidia") => {
    const ctx = events.context("test");
    const { models, asked_at } = await readModelList(ctx, openLister(ctx, name));
    return { ids: models.map(({ model_id }) => model_id), asked_at };
  };
}

/** Lets what is put off be done: a check out of KV begins after its reply. */
async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, 5);
  });
  await events.settled();
}

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

describe("the model list of a provider with a public list", () => {
  test.each(Object.keys(publicHosts) as (keyof typeof publicHosts)[])("the list of %s is read without a key", async (name) => {
    const read = await newIsolate();
    expect((await read(name)).ids).toEqual(["one/model-7b"]);
    expect(receivedKeys).toEqual([undefined]);
  });

  test("the list of Workers AI is read through the binding", async () => {
    const read = await newIsolate();
    const { listModels } = openProvider("workers-ai");
    const models = await listModels({ ai });
    expect(models.length).toBeGreaterThan(1);
    expect((await read("workers-ai")).ids).toEqual(models.map(({ model_id }) => model_id));
  });

  test("the list is fetched once for all readers and isolates", async () => {
    const [here, there] = [await newIsolate(), await newIsolate()];
    const first = await here();
    listed = () => ["another/model"];
    later(hour - 1);
    for (const read of [here, there, there]) expect(await read()).toEqual(first);
    await settled();
    expect(receivedKeys).toHaveLength(1);
  });

  test("an hour-old list is returned while it is fetched once for all isolates", async () => {
    const [here, there] = [await newIsolate(), await newIsolate()];
    const first = await here();
    await there();
    await settled();
    listed = () => ["another/model"];
    later(hour);
    expect(await Promise.all([here(), here(), here()])).toEqual([first, first, first]);
    await settled();
    expect((await here()).ids).toEqual(["another/model"]);
    later(hour - 1);
    await there();
    await settled();
    expect((await there()).ids).toEqual(["another/model"]);
    expect(receivedKeys).toHaveLength(2);
  });

  test("the age of the list is reported if the provider is down, also in a new isolate", async () => {
    const first = await (await newIsolate())();
    listed = () => undefined;
    later(20 * hour);
    const read = await newIsolate();
    expect(await read()).toEqual(first);
    await settled();
    expect(await read()).toEqual(first);
    expect(Date.now() - Date.parse(first.asked_at)).toBe(20 * hour);
    expect(receivedKeys.length).toBeGreaterThan(1);
  });

  test("a failure without a cached list is the failure of the provider", async () => {
    listed = () => undefined;
    const read = await newIsolate();
    expect((await failureOf(read())).code).toBe("provider_unavailable");
    listed = () => ["back/again"];
    expect((await read()).ids).toEqual(["back/again"]);
  });

  test("the list is fetched from the provider if KV is down", async () => {
    const out = () => Promise.reject(new Error("KV is out."));
    events = createTestContexts(testBindings(bridge.url, { CACHE: { get: out, put: out } }));
    const read = await newIsolate();
    expect((await read()).ids).toEqual(["one/model-7b"]);
    await settled();
    expect((await read()).ids).toEqual(["one/model-7b"]);
    expect(receivedKeys).toHaveLength(1);
  });
});

test("the reply describes each known model for signed-in users, from memory after the first request", async () => {
  const { token } = await createUser({ database });
  const counter = { limit: async () => ({ success: true }) };
  Object.assign(bindings, { LIMIT_ANONYMOUS: counter, LIMIT_AUTHENTICATED: counter, LIMIT_EXPENSIVE: counter });
  const lifetime = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
  const getModels = (provider: string) => {
    const headers = { ...authHeader(token), "cf-connecting-ip": "198.18.0.1" };
    return app.request(`/api/v2/external-models/providers/${provider}/models`, { headers }, bindings, lifetime);
  };
  const first = await getModels("nvidia");
  expect([first.status, await bodyOf(first)]).toEqual([
    200,
    {
      success: true,
      models: [
        expect.objectContaining({
          provider: "nvidia",
          model_id: "one/model-7b",
          parameters_billions: 7,
          context_length: 4_096,
        }),
      ],
      total: 1,
      asked_at: new Date().toISOString(),
    },
  ]);
  const second = await getModels("nvidia");
  expect([second.status, second.headers.get("server-timing"), receivedKeys.length]).toEqual([200, noRoundTrips, 1]);
  expect((await getModels("openai")).status).toBe(422);
});

describe("a sync of NVIDIA models", () => {
  const [hers, his] = [providerKey("hers-abcd"), providerKey("his-efgh")];
  let nvidia: { syncNvidia: typeof syncNvidia; syncNvidiaModel: typeof syncNvidiaModel };
  const own = (key: string | undefined) => ({ [hers]: ["org-a/secret-8b"], [his]: ["org-b/private-9b"] })[key ?? ""];

  beforeEach(async () => {
    vi.resetModules();
    nvidia = await import("../../../src/models/external-models/nvidia-sync.ts");
  });

  async function owner(api_key: string, model_id: string) {
    const { id } = await createUser({ database });
    const model = await createModel(events.context("test"), id, {
      ...newModel({ api_key, model_id, base_url: null }),
      provider: "nvidia",
    });
    return { id, modelId: model.id };
  }

  test("the sync uses the user's key each time and shows the result to nobody else", async () => {
    listed = (key) => own(key) ?? ["public/model-1b"];
    const [she, he, thief] = [
      await owner(hers, "org-a/secret-8b"),
      await owner(his, "org-b/private-9b"),
      await owner(his, "org-a/secret-8b"),
    ];
    for (const { id, modelId } of [she, he, she]) {
      expect(await nvidia.syncNvidiaModel(events.context("test"), id, modelId)).toMatchObject({ context_length: 4_096 });
    }
    expect(receivedKeys.filter((key) => key !== undefined)).toEqual([hers, his, hers]);
    const stolen = await failureOf(nvidia.syncNvidiaModel(events.context("test"), thief.id, thief.modelId));
    expect(stolen.code).toBe("provider_model_missing");
    expect(await nvidia.syncNvidia(events.context("test"), thief.id)).toMatchObject({ models_synced: 0 });
    await events.settled();
    expect((await (await newIsolate())()).ids).toEqual(["public/model-1b"]);
  });

  test("the sync refreshes the cached public list without the key", async () => {
    const before = await (await newIsolate())();
    listed = (key) => (key === undefined ? ["public/new-2b"] : own(key));
    const { id } = await owner(hers, "org-a/secret-8b");
    expect(await nvidia.syncNvidia(events.context("test"), id)).toMatchObject({ models_synced: 1 });
    await events.settled();
    expect(receivedKeys).toEqual([undefined, hers, undefined]);
    expect(before.ids).toEqual(["one/model-7b"]);
    expect((await (await newIsolate())()).ids).toEqual(["public/new-2b"]);
  });

  test("a failed sync makes no other request", async () => {
    listed = () => undefined;
    const { id } = await owner(hers, "org-a/secret-8b");
    expect(await nvidia.syncNvidia(events.context("test"), id)).toMatchObject({ models_synced: 0 });
    await events.settled();
    expect(receivedKeys).toEqual([hers]);
  });
});

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { priceOf, publishers, readPrices, refreshPrices } from "../../../src/models/usage/prices.ts";
import { openProvider } from "../../../src/models/providers/registry.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../../support/api.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let server: Server;
let url: string;
/** What each path answers; nothing is a server that is out. */
const replies: Record<string, object> = {};

beforeAll(async () => {
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
  server = createServer(({ url: path }, response) => {
    const reply = replies[path!];
    response
      .writeHead(reply === undefined ? 503 : 200, { "content-type": "application/json" })
      .end(JSON.stringify(reply ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await bridge.stopPostgres();
  await database.close();
});

const setOpenRouterPrice = (prompt: string, more: object = {}) => {
  replies["/openrouter/models"] = {
    data: [
      {
        id: "some/poet",
        name: "Poet",
        pricing: { prompt, completion: "0.0000012", input_cache_read: "0.00000003", ...more },
        expiration_date: "2027-01-31",
      },
      { id: "openrouter/auto", name: "Auto", pricing: { prompt: "-1", completion: "-1" } },
      { id: "some/free", name: "Free", pricing: { prompt: "0", completion: "0" } },
    ],
  };
};

async function sources() {
  const at = async (name: "openrouter" | "huggingface") => {
    const { listPrices } = openProvider(name);
    return { provider: name, list: () => listPrices!({ baseUrl: `${url}/${name}` }) };
  };
  return [await at("openrouter"), await at("huggingface")];
}

const newContext = () => createTestContexts(testBindings(bridge.url)).context("test");

test("prices are read from the public addresses of the providers", () => {
  expect(publishers().map(({ provider }) => provider)).toEqual(["openrouter", "huggingface"]);
});

test("published prices are read, stored when they change, and used from then on", async () => {
  const ctx = newContext();
  setOpenRouterPrice("0.0000003");
  replies["/huggingface/models"] = {
    data: [
      {
        id: "meta/llama",
        providers: [
          { provider: "cheap", status: "live", pricing: { input: 0.1, output: 0.4 } },
          { provider: "dear", status: "live", pricing: { input: 0.25, output: 0.3 } },
          { provider: "gone", status: "offline", pricing: { input: 9, output: 9 } },
          { provider: "silent", status: "live" },
        ],
      },
      { id: "nobody/runs-it", providers: [] },
    ],
  };
  expect(await refreshPrices(ctx, await sources())).toBe(3);
  expect(await refreshPrices(ctx, await sources())).toBe(0);
  const known = await readPrices(ctx);
  const shown = known.filter(({ model_id }) => ["some/poet", "some/free", "meta/llama"].includes(model_id)).map(priceOf);
  const today = new Date().toISOString().slice(0, 10);
  expect(shown).toMatchObject([
    { provider: "huggingface", model_id: "meta/llama", input_usd: 0.25, output_usd: 0.4, cache_read_usd: 0.25, from: today },
    { provider: "openrouter", model_id: "some/free", input_usd: 0, output_usd: 0 },
    {
      model_id: "some/poet",
      input_usd: 0.3,
      output_usd: 1.2,
      cache_read_usd: 0.03,
      cache_write_usd: 0.3,
      shutdown_on: "2027-01-31",
    },
  ]);
  expect(known.some(({ provider }) => provider === "openai")).toBe(true);
  setOpenRouterPrice("0.0000004");
  expect(await refreshPrices(ctx, await sources())).toBe(1);
  const [poet] = (await readPrices(ctx)).filter(({ model_id }) => model_id === "some/poet").map(priceOf);
  expect(poet).toMatchObject({ input_usd: 0.4 });
});

test("an entry that cannot be stored hides no other", async () => {
  const ctx = newContext();
  const pricing = { prompt: "0.000001", completion: "0.000002" };
  replies["/huggingface/models"] = { data: [] };
  replies["/openrouter/models"] = {
    data: [
      { id: "bad/nul\u0000", pricing },
      { id: "bad/half\ud800", pricing },
      { id: "bad/free", pricing: { prompt: 0, completion: "0" } },
      { id: "bad/dear", pricing: { prompt: "1e300", completion: "1" } },
      null,
      { id: "good/twice", pricing: { prompt: "0.5", completion: "0.5" } },
      { id: "good/twice", pricing },
      { id: "good/dated", pricing, expiration_date: "soon" },
    ],
  };
  expect(await refreshPrices(ctx, await sources())).toBe(2);
  const good = (await readPrices(ctx)).filter(({ model_id }) => model_id.startsWith("good/")).map(priceOf);
  expect(good).toMatchObject([
    { model_id: "good/dated", input_usd: 1, shutdown_on: null },
    { model_id: "good/twice", input_usd: 1 },
  ]);
});

test("a provider that is down or malformed keeps its old prices, and the others are read", async () => {
  const ctx = newContext();
  delete replies["/openrouter/models"];
  replies["/huggingface/models"] = { data: [{ id: "new/model", providers: [{ pricing: { input: 1, output: 2 } }] }] };
  expect(await refreshPrices(ctx, await sources())).toBe(1);
  const known = await readPrices(ctx);
  expect(known.some(({ model_id }) => model_id === "some/poet")).toBe(true);
  replies["/openrouter/models"] = { data: "nonsense" };
  expect(await refreshPrices(ctx, await sources())).toBe(0);
});

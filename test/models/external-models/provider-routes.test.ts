import { beforeEach, describe, expect, test } from "vitest";
import { providerNames } from "../../../src/models/providers/registry.ts";
import { clientOf, databaseTrips, faultsIn, refusalIn, type Client } from "../../minions/support/minions.ts";
import { bodyOf } from "../../support/api.ts";
import { createUser, type Person } from "../../support/users.ts";
import { scriptedText, script, vendorWords } from "../../support/vendors/script.ts";
import { badKey, goodKey, keysOf, makeModel, useConnected } from "../support/connected-provider.ts";

const connected = useConnected("nvidia");
let person: Person;
let me: Client;
/** Where the fake is, as a model's address. */
let there: { provider: string; base_url: string; model_id: string };

beforeEach(async () => {
  const { api, vendor } = connected;
  person = await createUser(api);
  me = clientOf(api, person);
  there = { provider: "nvidia", base_url: vendor.baseUrl, model_id: "nvidia/nemotron-3-nano-30b-a3b" };
  vendor.failNext();
  await me.get("/external-models");
});

const callsOf = () => connected.api.database.sql("select * from model_calls where user_id = $1 order by id", [person.id]);
const modelRow = async (id: number) => (await me.get(`/external-models/${id}`)).body.model;

describe("the list of providers", () => {
  test("the list is public and has every provider with the documented keys", async () => {
    const reply = await connected.api.get("/api/v2/external-models/providers");
    const body = await bodyOf(reply);
    expect(keysOf(body)).toEqual(["providers", "success", "total"]);
    const providers = body.providers as Record<string, unknown>[];
    expect(providers.map(({ name }) => name)).toEqual(providerNames);
    for (const provider of providers) {
      expect(keysOf(provider)).toEqual(
        [
          ..."name display_name icon color base_url requires_api_key supports_streaming supports_tools".split(" "),
          ..."supports_embeddings supports_fine_tuning models available reason".split(" "),
        ].toSorted(),
      );
      expect(provider["available"]).toBe(provider["reason"] === null);
    }
    const unbound = providers.find(({ available }) => available === false);
    expect(unbound).toMatchObject({
      name: "workers-ai",
      reason: expect.stringContaining("not available on this server") as string,
    });
  });
});

describe("the health of external models", () => {
  test("the reply counts the models of the caller, and none for other callers", async () => {
    await makeModel(me);
    const body = await bodyOf(await connected.api.get("/api/v2/external-models/health"));
    expect(keysOf(body)).toEqual(["message", "status", "success", "total_models"]);
    expect([body.total_models, body.status]).toEqual([0, "operational"]);
    const own = await me.get("/external-models/health");
    expect([own.body.total_models, own.body.status, databaseTrips(own)]).toEqual([1, "operational", 1]);
  });
});

describe("a test of a model", () => {
  test("a test of a described model makes a real call and records its usage", async () => {
    const { vendor } = connected;
    const before = vendor.requests.length;
    const tested = await me.post("/external-models/test", { ...there, api_key: goodKey });
    expect([tested.status, databaseTrips(tested)]).toEqual([200, 0]);
    expect(keysOf(tested.body)).toEqual(["error", "message", "quirks", "response", "response_time", "success"]);
    expect(tested.body).toMatchObject({ success: true, response: scriptedText, error: null });
    expect(tested.body.response_time).toBeLessThan(10);
    expect(vendor.requests).toHaveLength(before + 1);
    await expect.poll(callsOf).toHaveLength(1);
    expect((await callsOf())[0]).toMatchObject({
      provider: "nvidia",
      model_id: there.model_id,
      purpose: "test",
      outcome: "complete",
      error_code: null,
      input_tokens: script.usage.input,
      output_tokens: script.usage.output,
      external_model_id: null,
    });
  });

  test("a test of a stored model uses its key and makes one round trip before the reply", async () => {
    const { id } = await makeModel(me, { ...there, api_key: goodKey });
    for (const model_id of [id, String(id)]) {
      const tested = await me.post("/external-models/test", { model_id });
      expect(tested.body).toMatchObject({ success: true, response: scriptedText });
      expect(databaseTrips(tested)).toBe(1);
    }
    await expect.poll(callsOf).toHaveLength(2);
    expect((await callsOf())[0]).toMatchObject({ external_model_id: id });
  });

  test("a test that the provider refuses is 200 without success and marks the key until it works or is replaced", async () => {
    const { id } = await makeModel(me, { ...there, api_key: badKey });
    const tested = await me.post("/external-models/test", { model_id: id });
    expect(tested.status).toBe(200);
    expect(tested.body).toMatchObject({
      success: false,
      response: null,
      error: "NVIDIA NIM rejected the API key, or the key lacks a permission. Check the key.",
    });
    await expect.poll(async () => (await modelRow(id)).key_rejected_at).not.toBeNull();
    expect((await modelRow(id)).version).toBe(1);
    const { body } = await me.put(`/external-models/${id}`, { api_key: goodKey });
    expect(body.model.key_rejected_at).toBeNull();
    expect((await me.post("/external-models/test", { model_id: id })).body.success).toBe(true);
    await expect.poll(callsOf).toHaveLength(2);
    expect((await callsOf())[0]).toMatchObject({ outcome: "failed", error_code: "provider_key_rejected" });
  });

  test.each([
    [{ status: 404 }, "has no model with this ID"],
    [{ status: 402 }, "no credit"],
    [{ status: 400 }, "refused the request"],
    [{ status: 429, headers: { "retry-after": "60" } }, "rate limited us"],
  ])("a test that fails with %j has our own error text", async (fault, words) => {
    connected.vendor.failNext(fault, fault);
    const { body } = await me.post("/external-models/test", { ...there, api_key: goodKey });
    expect(body).toMatchObject({ success: false, error: expect.stringContaining(words) as string });
    expect(JSON.stringify(body)).not.toContain(vendorWords);
  });

  test("a test does not follow a redirect to an internal address", async () => {
    connected.vendor.failNext("redirect", "redirect");
    const { body } = await me.post("/external-models/test", { ...there, api_key: goodKey });
    expect(body).toMatchObject({ success: false, response: null });
    expect(connected.vendor.redirected()).toBe(0);
  });

  test("a test does not call a stored address that is now refused", async () => {
    const refused = await me.post("/external-models/test", { ...there, base_url: "http://127.0.0.1:1/v1", api_key: goodKey });
    expect([refused.status, faultsIn(refused)]).toEqual([422, ["base_url"]]);
    const { id } = await makeModel(me, { ...there, api_key: goodKey });
    await connected.api.database.sql("update external_models set base_url = 'http://127.0.0.1:1/v1' where id = $1", [id]);
    const { status, body } = await me.post("/external-models/test", { model_id: id });
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: false, error: "The URL must begin with https://." });
  });

  test("a test of a missing model, or another user's, is not found", async () => {
    expect(refusalIn(await me.post("/external-models/test", { model_id: 2_147_483_647 }))).toEqual([404, "not_found"]);
    const { id } = await makeModel(clientOf(connected.api, await createUser(connected.api)), { api_key: goodKey });
    expect(refusalIn(await me.post("/external-models/test", { model_id: id }))).toEqual([404, "not_found"]);
    expect(faultsIn(await me.post("/external-models/test", { model_id: "gpt" }))).toEqual(["model_id"]);
  });

  test("a test with an unreadable key reports it", async () => {
    const { id } = await makeModel(me, { ...there, api_key: goodKey });
    await connected.api.database.sql("update external_models set key_ref = 'of another' where id = $1", [id]);
    expect(refusalIn(await me.post("/external-models/test", { model_id: id }))).toEqual([503, "provider_not_configured"]);
  });
});

describe("the sync of NVIDIA models", () => {
  test("a sync refreshes every NVIDIA model and reports which are available", async () => {
    const one = await makeModel(me, { ...there, api_key: goodKey, capabilities: [] });
    const gone = await makeModel(me, { ...there, api_key: goodKey, model_id: "nvidia/gone" });
    await makeModel(me);
    const before = connected.vendor.requests.length;
    const { body } = await me.post("/external-models/sync-nvidia");
    expect(keysOf(body)).toEqual(["message", "models_synced", "results", "success"]);
    expect(body).toMatchObject({
      models_synced: 1,
      results: { [one["display_name"] as string]: true, [gone["display_name"] as string]: false },
      message: expect.stringContaining("1 of 2") as string,
    });
    expect(connected.vendor.requests).toHaveLength(before + 1);
    expect(await modelRow(one.id)).toMatchObject({
      capabilities: ["chat", "tools"],
      parameters: "30B",
      context_length: 32_768,
      version: 2,
    });
    expect(await modelRow(gone.id)).toMatchObject({ version: 1 });
  });

  test("a sync of one model refreshes it, or reports why not", async () => {
    const { id } = await makeModel(me, { ...there, api_key: goodKey, capabilities: [] });
    const { body } = await me.post(`/external-models/${id}/sync-nvidia`);
    expect(keysOf(body)).toEqual(["message", "model", "success"]);
    expect(body.model).toMatchObject({ id, capabilities: ["chat", "tools"] });
    const sync = async (given: object) => {
      const made = await makeModel(me, { ...there, ...given });
      return refusalIn(await me.post(`/external-models/${made.id}/sync-nvidia`));
    };
    expect(await sync({ provider: "custom" })).toEqual([409, "conflict"]);
    expect(await sync({})).toEqual([503, "provider_not_configured"]);
    expect(await sync({ api_key: badKey })).toEqual([502, "provider_key_rejected"]);
    expect(await sync({ api_key: goodKey, model_id: "nvidia/gone" })).toEqual([502, "provider_model_missing"]);
    connected.vendor.failNext({ status: 429, headers: { "retry-after": "7" } });
    const limited = await me.post(`/external-models/${id}/sync-nvidia`);
    expect([refusalIn(limited), limited.headers.get("retry-after")]).toEqual([[429, "provider_rate_limited"], "7"]);
  });

  test("a sync without NVIDIA models makes no call", async () => {
    const before = connected.vendor.requests.length;
    const synced = await me.post("/external-models/sync-nvidia");
    expect(synced.body).toMatchObject({ success: true, models_synced: 0, results: {} });
    expect([databaseTrips(synced), connected.vendor.requests.length]).toEqual([1, before]);
  });
});

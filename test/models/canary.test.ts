import { beforeAll, describe, expect, test } from "vitest";
import { newMinion, picture } from "../minions/support/minions.ts";
import { sendRequest } from "../notifications/support/notifications.ts";
import { startApi, storageFolder } from "../support/api.ts";
import { leaksIn, observedLeaks } from "../support/canary.ts";
import { leaksInObjects, leaksInStores, leaksInTables } from "../support/leaks.ts";
import { createUser, type Person } from "../support/users.ts";
import { badKey, goodKey, newModel, useConnected } from "./support/connected-provider.ts";

/** A key of a provider goes to that provider, and is found nowhere else. */

const connected = useConnected("nvidia");
const canaries = [goodKey, badKey];
const replies: string[] = [];
let person: Person;

/** Asks as the person, and keeps all that was answered. */
async function request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const reply = await sendRequest(connected.api, person, path, { method, body, headers });
  const text = await reply.text();
  replies.push([path, reply.status, JSON.stringify([...reply.headers]), text].join(" "));
  return { status: reply.status, body: JSON.parse(text) as Record<string, unknown> & { model_id?: number } };
}

beforeAll(async () => {
  const { api, vendor } = connected;
  person = await createUser(api);
  const there = { provider: "nvidia", base_url: vendor.baseUrl, model_id: "nvidia/nemotron-3-nano-30b-a3b" };
  const models = "/api/v2/external-models";
  for (const api_key of canaries) {
    const given = newModel({ ...there, api_key });
    const keyed = { "idempotency-key": `of ${api_key.slice(-4)}`.replace(" ", "-") };
    const { body } = await request("POST", models, given, keyed);
    await request("POST", models, given, keyed);
    await request("POST", models, given);
    await request("POST", models, { ...given, temperature: 9 });
    await request("POST", models, { ...given, base_url: "https://127.0.0.1/v1" });
    await request("POST", models, { ...given, base_url: `https://user:${api_key}@models.example.com/v1` });
    const one = `${models}/${String(body.model_id)}`;
    await request("GET", one);
    await request("PUT", one, { api_key, description: "edited" });
    await request("PUT", one, { api_key, description: 7 });
    await request("POST", `${models}/test`, { model_id: body.model_id });
    await request("POST", `${models}/test`, { ...there, api_key });
    for (const status of [400, 404, 429, 500]) {
      vendor.failNext({ status }, { status });
      await request("POST", `${models}/test`, { ...there, api_key });
    }
    for (const fault of ["garbage", "redirect"] as const) {
      vendor.failNext(fault, fault);
      await request("POST", `${models}/test`, { model_id: body.model_id });
    }
    vendor.failNext();
    await request("POST", `${one}/sync-nvidia`);
    const image = { method: "POST", headers: { authorization: `Bearer ${person.token}` }, body: picture("png") };
    await api.get(`/api/v2/external-models/${String(body.model_id)}/avatar`, image);
  }
  for (const path of [
    models,
    `${models}/providers`,
    `${models}/health`,
    "/api/v2/models",
    "/api/v2/usage",
    "/api/v2/me/export",
  ]) {
    await request("GET", path);
  }
  await request("POST", `${models}/sync-nvidia`);
});

describe("the API key of a provider", () => {
  test("the key reached the provider, and every call was recorded", async () => {
    const { sql } = connected.api.database;
    await expect.poll(async () => (await sql("select 1 from model_calls where user_id = $1", [person.id])).length).toBe(16);
    for (const key of canaries) {
      expect(connected.vendor.requests.some(({ headers }) => headers["authorization"] === `Bearer ${key}`)).toBe(true);
    }
  });

  test("the key is in no reply", () => {
    expect(replies.length).toBeGreaterThan(40);
    expect(replies.some((text) => text.includes('"key_last_four":"wxyz"'))).toBe(true);
    expect(leaksIn(replies)).toEqual([]);
  });

  test("the key is in no row of any table", async () => {
    const { database } = connected.api;
    const sealed = await database.sql("select 1 from external_models where key_sealed like 'v1.%'");
    expect(sealed.length).toBeGreaterThan(1);
    expect(await leaksInTables(database)).toEqual([]);
  });

  test("the key is in no KV value and in no file", async () => {
    const env = await connected.api.worker.getEnv();
    expect((await env.CACHE.list()).keys.length + (await env.FILES.list()).objects.length).toBeGreaterThan(1);
    expect(await leaksInStores(async () => env)).toEqual([]);
  });

  test("the key is in no Durable Object and in no queued message", async () => {
    await request("PUT", "/api/v2/me/preferences", { preferences: { theme: "dark" } });
    const hubs = () => connected.api.worker.listDurableObjectIds("USER_HUB");
    await expect.poll(async () => (await hubs()).length).toBeGreaterThan(0);
    expect(await leaksInObjects(await storageFolder())).toEqual([]);
    expect(await observedLeaks()).toEqual([]);
  });

  test("the key is in no log line", () => {
    expect(leaksIn(connected.api.logs())).toEqual([]);
  });

  test("the export of its owner contains neither the key nor its sealed form", () => {
    const exported = replies.find((text) => text.startsWith("/api/v2/me/export"))!;
    expect(exported).toContain('"external_models":[{');
    expect(exported).toContain('"model_calls":[{');
    for (const name of ["key_sealed", "key_ref", "wrapped"]) expect(exported).not.toContain(name);
  });

  test.each([
    ["a text", "text", goodKey],
    ["a list", "text[]", [goodKey]],
    ["JSON", "jsonb", JSON.stringify({ deep: [{ key: goodKey }] })],
    ["bytes", "bytea", Buffer.from(goodKey)],
    ["base64", "text", Buffer.from(`a${goodKey}`).toString("base64")],
  ])("the scan finds a key in a table stored as %s", async (_, type, value) => {
    const { database } = connected.api;
    await database.sql(`create table planted (value ${type})`);
    await database.sql("insert into planted values ($1)", [value]);
    const leaks = await leaksInTables(database);
    await database.sql("drop table planted");
    expect(leaks).toEqual(["table public.planted"]);
  });

  test("the scan finds a key in KV and in a file", async () => {
    const env = await connected.api.worker.getEnv();
    await Promise.all([env.CACHE.put("planted", `of ${goodKey}`), env.FILES.put("planted", badKey)]);
    const leaks = await leaksInStores(async () => env);
    await Promise.all([env.CACHE.delete("planted"), env.FILES.delete("planted")]);
    expect(leaks).toEqual(["KV planted", "file planted"]);
  });

  test("the scan finds a key in a Durable Object, in a long text and in bytes", async () => {
    const storage = await connected.api.worker.getDurableObjectStorage("USER_HUB", { name: "planted" });
    await storage.exec("create table planted (value)");
    const texts = ["x".repeat(9_000) + goodKey, new TextEncoder().encode(goodKey), Buffer.from(`Ω ${badKey}`, "utf16le")];
    for (const value of texts) {
      await storage.exec("insert into planted values (?)", value);
      expect(await leaksInObjects(await storageFolder())).toEqual([expect.stringMatching(/^object .*UserHub\/[0-9a-f]{64}/)]);
      await storage.exec("delete from planted");
    }
    expect(await leaksInObjects(await storageFolder())).toEqual([]);
  });

  test("the scan finds a key in a completed message and in a dropped one", async () => {
    const { database } = connected.api;
    const payload = JSON.stringify({ key: goodKey });
    await database.sql("insert into outbox (name, payload, request_id) values ('planted', $1, '')", [payload]);
    await database.sql("delete from outbox where name = 'planted'");
    expect(await leaksInTables(database)).toEqual(["table canary.messages"]);
    await database.sql("truncate canary.messages");
    await database.sql(
      `insert into failed_jobs (reference, name, payload, request_id, error, attempts, created_at)
       values ('planted', 'planted', '{}', '', $1, 1, now())`,
      [goodKey],
    );
    await database.sql("delete from failed_jobs where name = 'planted'");
    expect(await leaksInTables(database)).toEqual(["table canary.messages"]);
    await database.sql("truncate canary.messages");
  });

  test("the scan finds a key in a reply", async () => {
    const { body } = await request("POST", "/api/v2/minions", newMinion({ model: `${goodKey}/model` }));
    expect(leaksIn([JSON.stringify(body)])).toHaveLength(1);
    expect(await observedLeaks()).toEqual(["a reply to POST /api/v2/minions"]);
  });

  test("deleting the owner deletes the sealed key, the data key and the avatars", async () => {
    await request("DELETE", "/api/v2/me", {});
    const { sql } = connected.api.database;
    await expect.poll(() => sql("select 1 from users where id = $1", [person.id])).toEqual([]);
    for (const table of ["external_models", "user_data_keys", "model_calls"]) {
      expect(await sql(`select 1 from ${table} where user_id = $1`, [person.id])).toEqual([]);
    }
    const { FILES } = await connected.api.worker.getEnv();
    expect((await FILES.list({ prefix: `users/${person.id}/` })).objects).toEqual([]);
  });

  test("a test file fails if its Worker leaked the key", async () => {
    const leaky = await startApi({}, connected.api.database);
    await (await leaky.worker.getEnv()).CACHE.put("planted", goodKey);
    const storage = await leaky.worker.getDurableObjectStorage("USER_HUB", { name: "planted" });
    await storage.exec("create table planted (value)");
    await storage.exec("insert into planted values (?)", badKey);
    await leaky.get(`/${goodKey}`);
    const places =
      /^A provider's key has leaked: it is in a reply to GET \/\S+, KV planted, object .*UserHub\/[0-9a-f]{64}\.sqlite\.$/;
    await expect(leaky.close()).rejects.toThrow(places);
  });
});

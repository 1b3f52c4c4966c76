import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bodyOf, noRoundTrips, startApi, type TestApi } from "../support/api.ts";
import { authHeader, createUser } from "../support/users.ts";

const freshSeconds = 1;
const maxStaleSeconds = 2;
const spirits = "/api/v2/spirits";

let api: TestApi;

const settings = { CATALOG_FRESH_SECONDS: String(freshSeconds), CATALOG_MAX_STALE_SECONDS: String(maxStaleSeconds) };

async function publish(): Promise<Response> {
  const { token } = await createUser(api, ["admin"]);
  return api.get("/api/v2/admin/catalog/invalidate", { method: "POST", headers: authHeader(token) });
}

async function rename(slug: string, name: string): Promise<void> {
  await api.database.sql("update spirits_registry set description = $2 where slug = $1", [slug, name]);
  await api.database.sql("update catalog_versions set version = version + 1");
}

async function descriptionOf(slug: string): Promise<{ description: string; tier: string | null }> {
  const reply = await api.get(`${spirits}/name/${slug}`);
  const { data } = await bodyOf(reply);
  return { description: data.description, tier: reply.headers.get("x-cache") };
}

async function eventually<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 200; i += 1) {
    const value = await read();
    if (holds(value)) return value;
    await sleep(50);
  }
  throw new Error("It never held.");
}

describe("a cold isolate", () => {
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.close());

  test("200 concurrent requests make one Postgres query", async () => {
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, i) => api.get(i % 2 ? spirits : `${spirits}/${(i % 18) + 1}`)),
    );
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(api.roundTrips()).toBe(1);
  });

  test("a warm isolate makes no round trip and returns the same bytes", async () => {
    const bodies = new Set<string>();
    for (let i = 0; i < 5; i += 1) {
      const reply = await api.get(spirits);
      expect(reply.headers.get("x-cache")).toBe("memory");
      expect(reply.headers.get("server-timing")).toBe(noRoundTrips);
      bodies.add(await reply.text());
    }
    expect(bodies.size).toBe(1);
    expect(api.roundTrips()).toBe(1);
  });

  test("synergy, filters and searches are computed without any call", async () => {
    await api.get(`${spirits}?q=mail`);
    await api.get("/api/v2/tools?category=Math");
    const reply = await api.post(`${spirits}/synergy`, { spirit_ids: [1, 2, 3] });
    expect(reply.headers.get("x-cache")).toBe("memory");
    expect(api.roundTrips()).toBe(1);
  });
});

describe("a conditional request", () => {
  let etag: string;

  beforeAll(async () => {
    api = await startApi();
    etag = (await api.get(spirits)).headers.get("etag")!;
  });
  afterAll(() => api.close());

  test("a matching ETag in any form is 304", async () => {
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, `"other",W/${etag}`, "*"]) {
      const reply = await api.get(spirits, { headers: { "if-none-match": header } });
      expect(reply.status).toBe(304);
      expect(await reply.text()).toBe("");
      expect(reply.headers.get("etag")).toBe(etag);
      expect(reply.headers.get("cache-control")).toBe("public, no-cache");
      expect(reply.headers.get("vary")).toBe("Origin");
    }
  });

  test("another ETag is 200, and the ETag depends on the content, not on the path", async () => {
    expect((await api.get(spirits, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    expect((await api.get("/api/spirits/")).headers.get("etag")).toBe(etag);
    expect((await api.get(`${spirits}?tier=free`)).headers.get("etag")).not.toBe(etag);
    const cold = await api.get(`${spirits}/free`, { headers: { "if-none-match": "*" } });
    expect(cold.status).toBe(304);
  });
});

describe("a change of the catalog", () => {
  beforeAll(async () => {
    api = await startApi(settings);
  });
  afterAll(() => api.close());

  test("it is visible after the fresh time and one stale reply, for one round trip", async () => {
    await descriptionOf("writer");
    await rename("writer", "changed once");
    expect(await descriptionOf("writer")).toMatchObject({ description: expect.not.stringContaining("changed") });
    await sleep(freshSeconds * 1000 + 50);
    const before = api.roundTrips();
    expect(await descriptionOf("writer")).toMatchObject({ description: expect.not.stringContaining("changed"), tier: "stale" });
    const seen = await eventually(
      () => descriptionOf("writer"),
      ({ description }) => description === "changed once",
    );
    expect(seen.tier).toBe("memory");
    expect(api.roundTrips()).toBe(before + 1);
  });

  test("it is awaited after the maximum age", async () => {
    await descriptionOf("writer");
    await rename("writer", "changed twice");
    await sleep((freshSeconds + maxStaleSeconds) * 1000 + 50);
    expect(await descriptionOf("writer")).toEqual({ description: "changed twice", tier: "origin" });
  });

  test("an unchanged catalog costs one version check and keeps its ETag", async () => {
    const etag = (await api.get(spirits)).headers.get("etag");
    await sleep((freshSeconds + maxStaleSeconds) * 1000 + 50);
    const checked = await api.get(spirits);
    expect(checked.headers.get("x-cache")).toBe("origin");
    expect(checked.headers.get("etag")).toBe(etag);
  });

  test("publishing shows it here at once and writes KV only for a new version", async () => {
    await rename("writer", "changed three times");
    const first = await publish();
    expect(first.status).toBe(200);
    const published = await bodyOf(first);
    const { version } = published;
    expect(published).toEqual({ success: true, version: expect.any(Number), changed: true });
    expect(await descriptionOf("writer")).toEqual({ description: "changed three times", tier: "memory" });
    const { CACHE } = await api.worker.getEnv();
    expect(await CACHE.get("catalog:1", "json")).toMatchObject({ version });
    expect(await (await publish()).json()).toEqual({ success: true, version, changed: false });
  });

  test("cron publishes it too", async () => {
    await rename("writer", "changed four times");
    expect((await api.worker.scheduled({ cron: "*/5 * * * *" })).outcome).toBe("ok");
    expect(await descriptionOf("writer")).toEqual({ description: "changed four times", tier: "memory" });
  });
});

describe("a catalog while Postgres is down", () => {
  beforeAll(async () => {
    api = await startApi(settings);
    await api.get(spirits);
  });
  beforeEach(() => api.startPostgres());
  afterAll(() => api.close());

  test("a warm catalog is served past its maximum age and marked stale", async () => {
    await api.stopPostgres();
    await sleep((freshSeconds + maxStaleSeconds) * 1000 + 50);
    for (const path of [spirits, `${spirits}/7`, "/api/v2/classes"]) {
      const reply = await api.get(path);
      expect(reply.status).toBe(200);
      expect(reply.headers.get("x-cache")).toBe("stale");
    }
    expect(await bodyOf(await api.get(`${spirits}/health`))).toMatchObject({ status: "operational", spirits_count: 18 });
  });

  test("publishing is 503 with the reason", async () => {
    const { token } = await createUser(api, ["admin"]);
    await api.get("/api/v2/me", { headers: authHeader(token) });
    await api.stopPostgres();
    const reply = await api.get("/api/v2/admin/catalog/invalidate", { method: "POST", headers: authHeader(token) });
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ code: "catalog_unavailable", success: false });
  });

  test("the catalog is fresh again when Postgres is back", async () => {
    await rename("writer", "changed while it was away");
    const seen = await eventually(
      () => descriptionOf("writer"),
      ({ description }) => description === "changed while it was away",
    );
    expect(seen.tier).toMatch(/memory|origin/);
  });
});

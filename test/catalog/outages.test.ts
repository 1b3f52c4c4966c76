import { globSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildWorker, startWorkerd, type Bundle } from "../../dev/wrangler/workerd.ts";
import { bodyOf, openTestDatabase, startStoppableBridge, testSettings, type TestDatabase } from "../support/api.ts";
import { authHeader, createUser } from "../support/users.ts";

/** Cold isolates over one KV store, which is damaged on the way: each test starts a runtime of its own. */

const spirits = "/api/v2/spirits";

let folder: string;
let bundle: Bundle;
let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spiritforge-outages-"));
  bundle = await buildWorker(join(folder, "bundle"));
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
});

afterAll(async () => {
  await bridge.stopPostgres();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

async function inColdIsolate(
  work: (get: (path: string, init?: RequestInit) => Promise<Response>) => Promise<void>,
): Promise<void> {
  const persist = join(folder, "state");
  const bindings = testSettings(bridge.url);
  const workerd = await startWorkerd({ modulePath: bundle.modulePath, bindings, persist });
  try {
    await work((path, init) => fetch(workerd.url + path, init));
  } finally {
    await workerd.close();
  }
}

/** Overwrites the database files in which the simulator keeps KV's entries, so that every operation fails. */
async function damageKv(): Promise<void> {
  const files = globSync(join(folder, "state/kv/miniflare-KVNamespaceObject/*.sqlite*")).filter(
    (path) => !path.includes("metadata"),
  );
  expect(files).not.toHaveLength(0);
  await Promise.all(files.map((file) => writeFile(file, "damaged".repeat(1_000))));
}

test("a cold isolate reads the catalog from KV and revalidates it after the reply", async () => {
  await inColdIsolate(async (get) => {
    const headers = authHeader((await createUser({ database }, ["admin"])).token);
    await get("/api/v2/admin/catalog/invalidate", { method: "POST", headers });
  });
  const before = bridge.roundTrips();
  await inColdIsolate(async (get) => {
    const cold = await get(spirits);
    expect(cold.status).toBe(200);
    expect(cold.headers.get("x-cache")).toBe("kv");
    expect(cold.headers.get("server-timing")).toMatch(/^db;.*kv;dur=[\d.]+;desc="1", do;/);
    await expect.poll(async () => (await get(spirits)).headers.get("x-cache")).toBe("memory");
    expect(bridge.roundTrips()).toBe(before + 1);
  });
});

test("with Postgres down, a cold isolate serves the catalog from KV and then marks it stale", async () => {
  await bridge.stopPostgres();
  await inColdIsolate(async (get) => {
    expect((await get(spirits)).headers.get("x-cache")).toBe("kv");
    await expect.poll(async () => (await get(spirits)).headers.get("x-cache")).toBe("stale");
  });
});

test("with Postgres and KV down and an empty cache, the catalog is 503 and the health routes report it", async () => {
  await damageKv();
  await inColdIsolate(async (get) => {
    const reply = await get(spirits);
    expect(reply.status).toBe(503);
    expect(reply.headers.get("retry-after")).toBe("5");
    expect(await bodyOf(reply)).toMatchObject({ code: "catalog_unavailable", success: false });

    const contract = await get(`${spirits}/health`);
    expect(contract.status).toBe(503);
    expect(await bodyOf(contract)).toMatchObject({ success: false, message: expect.any(String), status: "error" });

    const health = await get("/api/v2/health");
    expect(health.status).toBe(503);
    expect(await bodyOf(health)).toMatchObject({
      detail: "Unavailable: postgres, kv.",
      services: { postgres: { status: "down" }, kv: { status: "down" } },
    });
  });
});

test("with KV down, Postgres is used, publishing reports the failure, and cached reads continue", async () => {
  await bridge.startPostgres();
  await inColdIsolate(async (get) => {
    const cold = await get(spirits);
    expect(cold.status).toBe(200);
    expect(cold.headers.get("x-cache")).toBe("origin");
    const headers = authHeader((await createUser({ database }, ["admin"])).token);
    const publish = await get("/api/v2/admin/catalog/invalidate", { method: "POST", headers });
    expect(publish.status).toBe(503);
    expect(await bodyOf(publish)).toMatchObject({ code: "kv_unavailable" });
    expect((await get(spirits)).headers.get("x-cache")).toBe("memory");
  });
});

test("with both back, a cold isolate serves the catalog again", async () => {
  await rm(join(folder, "state"), { recursive: true });
  await inColdIsolate(async (get) => {
    expect((await get(spirits)).status).toBe(200);
    expect((await get("/api/v2/health")).status).toBe(200);
  });
});

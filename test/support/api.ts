import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { inject } from "vitest";
import { createTestHarness, type WorkerHandle } from "wrangler";
import { startNeonBridge, type NeonBridge } from "../../dev/bridge.ts";
import { openEmbeddedPostgres } from "../../dev/postgres.ts";

export const adminSecret = "test-administration-secret-of-enough-length";

export type TestDatabase = {
  url: string;
  /** Runs one statement beside the Worker. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
};

/** A Postgres of its own, migrated and seeded. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-test-"));
  await cp(inject("seededFolder"), join(folder, "postgres"), { recursive: true });
  const postgres = await openEmbeddedPostgres({ dataDir: join(folder, "postgres") });
  return {
    url: postgres.url,
    async sql(text, values) {
      const client = new Client({ connectionString: postgres.url });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(text, values)).rows;
      } finally {
        await client.end();
      }
    },
    async close() {
      await postgres.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What the Worker is told in a test: everything of wrangler.toml, with a database of its own. */
export function testSettings(bridgeUrl: string) {
  return { DATABASE_URL: "postgres://test:test@localhost/test", NEON_PROXY: bridgeUrl, ADMIN_SECRET: adminSecret };
}

/** A bridge that can be stopped and started again where it was. */
export async function startStoppableBridge(database: TestDatabase) {
  let bridge: NeonBridge | undefined = await startNeonBridge({ databaseUrl: database.url });
  const { url } = bridge;
  let before = 0;
  const stop = async () => {
    before += bridge?.roundTrips() ?? 0;
    await bridge?.close();
    bridge = undefined;
  };
  return {
    url,
    roundTrips: () => before + (bridge?.roundTrips() ?? 0),
    stopPostgres: stop,
    async startPostgres() {
      bridge ??= await startNeonBridge({ databaseUrl: database.url, port: Number(new URL(url).port) });
    },
  };
}

/** The body of a reply, as it came over the wire. */
// oxlint-disable-next-line typescript/no-explicit-any -- what it is, the test asserts
export function bodyOf(reply: Response): Promise<any> {
  return reply.json();
}

export type TestApi = {
  url: URL;
  /** Asks the Worker: a path, or a path with its query. */
  get(path: string, init?: RequestInit): Promise<Response>;
  /** Sends JSON. */
  post(path: string, body: unknown): Promise<Response>;
  database: TestDatabase;
  /** Postgres round trips so far. */
  roundTrips(): number;
  /** Takes Postgres away: connections are refused until `startPostgres`. */
  stopPostgres(): Promise<void>;
  startPostgres(): Promise<void>;
  worker: WorkerHandle<Cloudflare.Env>;
  close(): Promise<void>;
};

/** The real Worker in workerd, with its own Postgres, KV, R2 and queues. */
export async function startApi(vars: Record<string, string> = {}): Promise<TestApi> {
  const database = await openTestDatabase();
  const { url: bridgeUrl, ...bridge } = await startStoppableBridge(database);
  const harness = createTestHarness({
    workers: [{ configPath: "./wrangler.toml", vars, secrets: testSettings(bridgeUrl) }],
  });
  const { url } = await harness.listen();
  return {
    url,
    get: (path, init) => fetch(new URL(path, url), init),
    post: (path, body) =>
      fetch(new URL(path, url), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    database,
    ...bridge,
    worker: harness.getWorker<Cloudflare.Env>(),
    async close() {
      await harness.close();
      await bridge.stopPostgres();
      await database.close();
    },
  };
}

import { cpSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import { startNeonBridge, type NeonBridge } from "../../dev/postgres/bridge/neon-bridge.ts";
import { openEmbeddedPostgres } from "../../dev/postgres/embedded-postgres.ts";
import { watchResponse, leaksIn, observedLeaks, overheardLines, assertNoLeaks } from "./canary.ts";
import { assertCleanLog, rememberRequest } from "./log-lines.ts";
import { keepMessages, leaksInObjects, leaksInStores, leaksInTables } from "./leaks.ts";
import type { BuiltWorker } from "./build-worker.ts";
import { startWorker, type TestWorker, type WorkerOverrides } from "./worker.ts";

export type TestDatabase = {
  url: string;
  /** The maximum number of connections; default: one. */
  connections?: number;
  /** Runs one statement beside the Worker. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** @throws where a provider's key is in a table, or was seen in passing */
  close(): Promise<void>;
};

let opened = 0;

/** A Postgres of its own, migrated and seeded. Its users are none of another's: files share what services keep in memory by their numbers. */
export async function openTestDatabase(seededFolder = inject("seededFolder")): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-test-"));
  // Of a thousand small files, the promises would cost most.
  cpSync(seededFolder, join(folder, "postgres"), { recursive: true });
  const postgres = await openEmbeddedPostgres({ dataDir: join(folder, "postgres") });
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  const sql = async (text: string, values?: unknown[]) => (await client.query<Record<string, unknown>>(text, values)).rows;
  opened += 1;
  await sql("select setval(pg_get_serial_sequence('users', 'id'), $1)", [opened * 10_000]);
  await keepMessages({ sql });
  return {
    url: postgres.url,
    sql,
    async close() {
      const leaks = [...(await leaksInTables({ sql })), ...(await observedLeaks())];
      await client.end();
      await postgres.close();
      await rm(folder, { recursive: true, force: true });
      assertNoLeaks(leaks);
      assertCleanLog(overheardLines());
    },
  };
}

/** The settings of a Worker in a test: those of wrangler.toml with a separate database. */
export function testSettings(bridgeUrl: string) {
  return {
    DATABASE_URL: "postgres://test:test@localhost/test",
    NEON_PROXY: bridgeUrl,
    RESEND_API_KEY: "",
    AUTH_SECRET: "test-signing-secret-of-enough-length-0001",
    KEY_SECRETS: "test-key-secret-of-enough-length-00000001",
  };
}

/** A bridge that can be stopped and started again where it was. */
export async function startStoppableBridge({
  url: databaseUrl,
  connections: maxConnections = 1,
}: Pick<TestDatabase, "url" | "connections">) {
  let bridge: NeonBridge | undefined = await startNeonBridge({ databaseUrl, maxConnections });
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
      bridge ??= await startNeonBridge({ databaseUrl, maxConnections, port: Number(new URL(url).port) });
    },
  };
}

/** The `Server-Timing` of a reply without round trips. */
export const noRoundTrips = 'db;dur=0.0;desc="0", kv;dur=0.0;desc="0", do;dur=0.0;desc="0"';

/** The body of a reply, as it came over the wire. */
// oxlint-disable-next-line typescript/no-explicit-any -- what it is, the test asserts
export function bodyOf(reply: Response): Promise<any> {
  return reply.json();
}

let sent = 0;

/** Each request comes from an address of its own (RFC 2544's, for benchmarks), unless the test names one: limits count by it. */
function fromSomewhere(init: RequestInit = {}): RequestInit {
  const headers = new Headers(init.headers);
  sent += 1;
  if (!headers.has("cf-connecting-ip")) headers.set("cf-connecting-ip", `198.18.${(sent >> 8) & 255}.${sent & 255}`);
  return { ...init, headers };
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
  worker: TestWorker;
  /** What the Worker logged so far. */
  logs(): string[];
  /** @throws where a line of the log has text or secrets; where a provider's key is in the log, in KV, a file, an object or a table, or was seen in passing, such as in a reply */
  close(): Promise<void>;
};

/** Where harnesses of this process keep what their Workers store: a folder of its own, so that it can be searched. */
export async function storageFolder(parent = inject("storageFolder")): Promise<string> {
  const folder = join(parent, String(process.pid));
  await mkdir(folder, { recursive: true });
  process.env["TMPDIR"] = folder;
  return folder;
}

/** What a command other than vitest gives in place of what the global setup built. */
export type Setup = {
  built: BuiltWorker;
  /** Where the Worker stores its data. */
  storage: string;
  /** Options of Miniflare over those of the configuration. */
  overrides?: WorkerOverrides;
};

/** The real Worker in workerd, with its own KV, R2, queues and objects, and its own Postgres unless one is shared. */
export async function startApi(vars: Record<string, string> = {}, shared?: TestDatabase, setup?: Setup): Promise<TestApi> {
  const database = shared ?? (await openTestDatabase());
  const { url: bridgeUrl, ...bridge } = await startStoppableBridge(database);
  const folder = await storageFolder(setup?.storage);
  const built = setup?.built ?? inject("built").development;
  const settings = { ...testSettings(bridgeUrl), ...vars };
  const worker = await startWorker(built, settings, setup?.overrides).catch(async (error: unknown) => {
    await bridge.stopPostgres();
    throw error;
  });
  const { url, logs } = worker;
  const get = async (path: string, init: RequestInit = {}) => {
    rememberRequest(path, init);
    return watchResponse(`a reply to ${init.method ?? "GET"} ${path}`, await fetch(new URL(path, url), fromSomewhere(init)));
  };
  return {
    url,
    get,
    post: (path, body) =>
      get(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    database,
    ...bridge,
    worker,
    logs,
    async close() {
      const leaks = [
        ...(await observedLeaks()),
        ...(await leaksInStores(() => worker.getEnv())),
        ...(await leaksInObjects(folder)),
      ];
      if (leaksIn(logs()).length > 0) leaks.push("the log");
      await worker.close();
      await bridge.stopPostgres();
      if (shared === undefined) await database.close();
      assertNoLeaks(leaks);
      assertCleanLog(logs());
    },
  };
}

/** An API for all the tests of a file: started before the first, closed after the last. */
export function useApi(vars?: Record<string, string>): TestApi {
  const api = {} as TestApi;
  beforeAll(async () => {
    Object.assign(api, await startApi(vars));
  });
  afterAll(() => api.close());
  return api;
}

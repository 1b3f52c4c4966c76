import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNeonBridge } from "../../dev/postgres/bridge/neon-bridge.ts";
import { openEmbeddedPostgres } from "../../dev/postgres/embedded-postgres.ts";
import { migrate } from "../../drizzle/migrate.ts";
import { seedCatalog } from "../../seed/seed.ts";

/** A migrated and seeded Postgres behind the Neon bridge, and a temporary folder. */
export interface Backend {
  /** `close` deletes this folder. */
  folder: string;
  databaseUrl: string;
  /** Secrets, and the database as a Worker reaches it. */
  bindings: Record<string, string>;
  close(): Promise<void>;
}

/** Starts the services that a Worker under measurement needs. */
export async function startBackend(): Promise<Backend> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-bench-"));
  const cleanup: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const step of cleanup.toReversed()) await step();
  };
  try {
    const postgres = await openEmbeddedPostgres();
    cleanup.push(() => postgres.close());
    const bridge = await startNeonBridge({ databaseUrl: postgres.url });
    cleanup.push(() => bridge.close());
    await migrate(postgres.url);
    await seedCatalog(postgres.url);
    const bindings = {
      DATABASE_URL: "postgres://bench:bench@localhost/bench",
      NEON_PROXY: bridge.url,
      AUTH_SECRET: "dev-secret-of-the-benchmark-only-------",
      KEY_SECRETS: "dev-secret-of-the-benchmark-only-------",
    };
    return { folder, databaseUrl: postgres.url, bindings, close };
  } catch (error) {
    await close();
    throw error;
  }
}

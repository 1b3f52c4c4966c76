import { join } from "node:path";
import { startNeonBridge } from "./bridge/neon-bridge.ts";
import { connect } from "./connect.ts";
import { isNeon } from "./database-url.ts";
import { UserError } from "../user-error.ts";
import { openEmbeddedPostgres } from "./embedded-postgres.ts";

/** A PostgreSQL, and how the Worker reaches it. */
export interface PostgresServer {
  /** For migrations, the seed and other PostgreSQL clients. */
  databaseUrl: string;
  /** The settings of the Worker. NEON_PROXY is empty on Neon itself. */
  vars: { DATABASE_URL: string; NEON_PROXY: string };
  close(): Promise<void>;
}

/** Connections of the bridge to a real server: about what a developer's browser and tests use at once. */
const SERVER_CONNECTIONS = 10;

/** The driver insists on a URL; behind the bridge, nothing is ever looked up in it. */
const UNUSED_URL = "postgres://bridge:bridge@bridge.invalid/bridge";

/** Starts the embedded Postgres and a bridge to it. @throws UserError if the folder cannot be used */
export async function startEmbeddedPostgres(folder: string): Promise<PostgresServer> {
  const postgres = await openEmbeddedPostgres({ dataDir: join(folder, "postgres") });
  const bridge = await startNeonBridge({ databaseUrl: postgres.url });
  return {
    databaseUrl: postgres.url,
    vars: { DATABASE_URL: UNUSED_URL, NEON_PROXY: bridge.url },
    async close() {
      await bridge.close();
      await postgres.close();
    },
  };
}

/**
 * Makes the developer's own PostgreSQL reachable: on Neon as it is, elsewhere through a bridge.
 *
 * @throws UserError if it cannot be reached or has no pgvector
 */
export async function connectOwnPostgres(url: URL): Promise<PostgresServer> {
  await assertVector(url);
  const databaseUrl = url.href;
  if (isNeon(url)) return { databaseUrl, vars: { DATABASE_URL: databaseUrl, NEON_PROXY: "" }, close: async () => {} };
  const bridge = await startNeonBridge({ databaseUrl, maxConnections: SERVER_CONNECTIONS });
  return { databaseUrl, vars: { DATABASE_URL: UNUSED_URL, NEON_PROXY: bridge.url }, close: bridge.close };
}

async function assertVector(url: URL): Promise<void> {
  const client = await connect(url.href);
  try {
    const { rowCount } = await client.query("SELECT FROM pg_available_extensions WHERE name = 'vector'");
    if (rowCount === 0) {
      throw new UserError(
        `PostgreSQL at ${url.host} has no pgvector: install it there, or leave DATABASE_URL out for the embedded one.`,
      );
    }
  } finally {
    await client.end();
  }
}

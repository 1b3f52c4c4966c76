import { vector } from "@electric-sql/pglite-pgvector";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { claimPostgresDir } from "../data-dir/postgres-dir.ts";
import { UserError } from "../user-error.ts";
import { SharedPGlite } from "./pglite-multiplex.ts";

export interface EmbeddedPostgres {
  /** `postgres://…`, for any PostgreSQL client on this machine. */
  url: string;
  /** True if there was no database in the folder before (always, in memory). */
  isNew: boolean;
  /** Cuts every connection, rolls back what is open, and leaves the folder to others. */
  close(): Promise<void>;
}

/** More than dev, a seed, a psql and a test suite ever open at once. */
const MAX_CONNECTIONS = 100;

/**
 * Starts PostgreSQL with pgvector inside this process (PGlite), listening on 127.0.0.1.
 *
 * All connections share one session: while one is in a transaction, the others wait for its end.
 *
 * @param options.dataDir where the data is kept; in memory if left out
 * @param options.port TCP port; a free one if left out
 * @throws UserError if the folder is used by another process or cannot be opened
 */
export async function openEmbeddedPostgres(options: { dataDir?: string; port?: number } = {}): Promise<EmbeddedPostgres> {
  const { dataDir, port = 0 } = options;
  const folder = dataDir === undefined ? undefined : claimPostgresDir(dataDir);
  let session: SharedPGlite | undefined;
  try {
    session = await startSession(dataDir);
    folder?.initialised();
    const server = new PGLiteSocketServer({ db: session, host: "127.0.0.1", port, maxConnections: MAX_CONNECTIONS });
    session.onCrash = () => void server.stop();
    await server.start();
    return {
      url: `postgres://postgres:postgres@${server.getServerConn()}/postgres`,
      isNew: folder?.isNew ?? true,
      async close() {
        try {
          await server.stop();
          await session?.close();
        } finally {
          folder?.release();
        }
      },
    };
  } catch (error) {
    await session?.close();
    folder?.release();
    throw error;
  }
}

async function startSession(dataDir: string | undefined): Promise<SharedPGlite> {
  const session = new SharedPGlite({ ...(dataDir === undefined ? {} : { dataDir }), extensions: { vector } });
  try {
    await session.waitReady;
    return session;
  } catch (error) {
    const where = dataDir === undefined ? "in memory" : `on the data folder ${dataDir}; if nothing in it matters, delete it`;
    throw new UserError(`The embedded Postgres does not start ${where}.`, { cause: error });
  }
}

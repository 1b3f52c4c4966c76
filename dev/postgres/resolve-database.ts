import { join } from "node:path";
import { parseDatabaseUrl } from "./database-url.ts";
import { dataDir, runningDatabase, type Environment } from "../data-dir/instance.ts";

export interface Database {
  url: string;
  /** Stops what was started for the caller; anything else stays. */
  close(): Promise<void>;
}

/**
 * Finds the database that the scripts work on: `DATABASE_URL`, or that of the `npm run dev` that is running on the data
 * folder, or the embedded one, opened until it is closed.
 *
 * @throws UserError if the URL is none, or the folder cannot be used
 */
export async function resolveDatabase(env: Environment = process.env): Promise<Database> {
  const folder = dataDir(env);
  const url = env.DATABASE_URL ? parseDatabaseUrl(env.DATABASE_URL).href : runningDatabase(folder);
  if (url !== undefined) return { url, close: async () => {} };
  const { openEmbeddedPostgres } = await import("./embedded-postgres.ts");
  return openEmbeddedPostgres({ dataDir: join(folder, "postgres") });
}

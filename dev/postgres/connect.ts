import { Client } from "pg";
import { parseDatabaseUrl } from "./database-url.ts";
import { UserError, reasonOf } from "../user-error.ts";

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens one connection to a PostgreSQL, over TLS where the URL asks for it.
 *
 * @throws UserError, without the password
 */
export async function connect(databaseUrl: string): Promise<Client> {
  const url = parseDatabaseUrl(databaseUrl);
  const client = new Client({ connectionString: url.href, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A connection that breaks later fails its statement, or the next one.
  client.on("error", () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw new UserError(`PostgreSQL at ${url.host} cannot be used: ${reasonOf(error)}.`, { cause: error });
  }
}

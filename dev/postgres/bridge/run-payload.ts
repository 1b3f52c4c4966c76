import type { IncomingHttpHeaders } from "node:http";
import type { Pool, PoolClient, QueryArrayConfig } from "pg";
import { cancelRunning } from "./cancel-request.ts";
import { beginStatement, statementReply, type Payload, type Statement } from "./neon-protocol.ts";

/** Prepared even without parameters, so that two statements in one string are refused, as Neon does. */
type ExtendedQuery = QueryArrayConfig & { queryMode: "extended" };

/** Values travel as Postgres writes them; the driver parses. */
const asText = { getTypeParser: () => (value: string | Buffer) => value };

/**
 * Runs one request on a connection of the pool, and answers as Neon does.
 *
 * @param disconnected aborted when nobody waits for the answer any more: what runs is cancelled, and rolled back
 * @throws BadRequest, a DatabaseError of pg, or whatever made the connection fail
 */
export async function runPayload(
  pool: Pool,
  payload: Payload,
  headers: IncomingHttpHeaders,
  disconnected: AbortSignal,
): Promise<object> {
  const begin = beginStatement(headers);
  const arrayMode = headers["neon-array-mode"] === "true";
  const client = await pool.connect();
  const cancel = () => cancelRunning(client);
  disconnected.addEventListener("abort", cancel);
  try {
    disconnected.throwIfAborted();
    if (!("queries" in payload)) return await runStatement(client, payload, arrayMode);
    return { results: await runTransaction(client, begin, payload.queries, arrayMode, disconnected) };
  } finally {
    disconnected.removeEventListener("abort", cancel);
    void releaseClient(client, disconnected.aborted);
  }
}

async function runStatement(client: PoolClient, statement: Statement, arrayMode: boolean): Promise<object> {
  const { query: text, params: values } = statement;
  const query: ExtendedQuery = { text, values, rowMode: "array", types: asText, queryMode: "extended" };
  return statementReply(await client.query(query), statement.arrayMode ?? arrayMode);
}

async function runTransaction(
  client: PoolClient,
  begin: string,
  statements: Statement[],
  arrayMode: boolean,
  disconnected: AbortSignal,
): Promise<object[]> {
  await client.query(begin);
  try {
    const replies: object[] = [];
    for (const statement of statements) {
      replies.push(await runStatement(client, statement, arrayMode));
      disconnected.throwIfAborted();
    }
    await client.query("COMMIT");
    return replies;
  } catch (error) {
    // If the connection is what failed, so does this, and Postgres rolls back by itself.
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

/** A connection comes back as new or not at all: DISCARD fails on one that is broken or left in a transaction. */
async function releaseClient(client: PoolClient, cancelled: boolean): Promise<void> {
  try {
    if (!cancelled) await client.query("DISCARD ALL");
    client.release(cancelled);
  } catch {
    client.release(true);
  }
}

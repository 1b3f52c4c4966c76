import { neon, neonConfig, NeonDbError } from "@neondatabase/serverless";
import { sql, type SQL } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import { drizzle } from "drizzle-orm/neon-http";
import { AppError, constraintFailures } from "./errors.ts";
import type { Meter } from "./meter.ts";

const timeoutMs = 8_000;

type MeteredInit = RequestInit & { meter: Meter };

/** Neon's driver hands the `fetchOptions` of a client to this function: how each client counts its own round trips. */
function meteredFetch(input: string, { meter, ...init }: MeteredInit): Promise<Response> {
  return meter.time("db", () => fetch(input, { ...init, signal: AbortSignal.timeout(timeoutMs) }));
}

/**
 * Opens Postgres over HTTP. Connects to nothing: each query, or each `batch` (one transaction), is one round trip.
 * @param proxy base URL of a server that speaks Neon's protocol for another PostgreSQL; empty for Neon itself.
 */
export function openDatabase(url: string, proxy: string, meter: Meter) {
  neonConfig.fetchFunction = meteredFetch;
  if (proxy !== "") neonConfig.fetchEndpoint = `${proxy}/sql`;
  return drizzle(neon(url, { fetchOptions: { meter } }));
}

export type Database = ReturnType<typeof openDatabase>;

/** One statement of a commit: a query that was built and not yet sent. */
export type Statement = BatchItem<"pg">;

/**
 * Sends statements as one transaction, in one round trip: all of them hold or none does.
 * @returns the rows of each statement, in order
 */
export function commit<const T extends readonly [Statement, ...Statement[]]>(
  db: Database,
  statements: T,
): Promise<BatchResponse<T>> {
  return db.batch(statements);
}

/**
 * The statement that undoes its commit unless the condition holds. `refuse` is a function of ours that raises `code` as a
 * constraint would, so that it arrives like any other.
 */
export function refuseUnless(db: Database, condition: SQL, code: string): Statement {
  return db.execute(sql`select case when ${condition} then null else refuse(${code}) end`);
}

/** SQLSTATE classes that mean the server is out or full: connection, resources, operator intervention, system error. */
const outOfService = /^(08|53|57|58)/;

/** What a failed query means to a client: what its constraint says, or that Postgres is out; undefined for a defect of ours. */
export function databaseFailure(error: unknown): AppError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof NeonDbError)) continue;
    const refused = constraintFailures[cause.constraint ?? ""];
    if (refused !== undefined) return new AppError(refused.code, refused.detail, { cause: error });
    if (cause.code === undefined || outOfService.test(cause.code)) {
      return new AppError("database_unavailable", "The database does not answer.", { cause: error });
    }
  }
  return undefined;
}

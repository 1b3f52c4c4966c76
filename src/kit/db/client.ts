import { neon, neonConfig, NeonDbError } from "@neondatabase/serverless";
import { getTableName, sql, type SQL } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import { drizzle } from "drizzle-orm/neon-http";
import type { PgTable } from "drizzle-orm/pg-core";
import { AppError, refusal, refusalOf, TellableError } from "../errors.ts";
import { log } from "../log.ts";
import type { Meter } from "../server-timing.ts";

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

/** What lets an event that may arrive more than once have its effect once: a request with an Idempotency-Key, a job. */
export type Claim = {
  /** Opens the commit: waits for a twin that is under way, and refuses where one has held. */
  take(): Statement;
  /** Closes it: notes what was made, for the twin's reply. */
  note?(made: SQL<string>): Statement;
  /** Whether a commit has taken it. */
  spent: boolean;
};

/** What a commit needs of the event that makes it. */
export type Committer = {
  readonly db: Database;
  readonly requestId: string;
  readonly claim?: Claim | undefined;
  defer(work: Promise<unknown>): void;
};

type Statements = readonly [Statement, ...Statement[]];

/** What is to follow when the commit that holds a statement has held. */
const sequels = new WeakMap<object, (rows: unknown) => Promise<unknown>>();

/**
 * The same statement, with what is to follow, behind the reply, once its commit has held: a push, a send. It may be lost with the
 * isolate, so it must be something that somebody makes up for.
 */
export function andThen<S extends Statement>(statement: S, sequel: (rows: BatchResponse<[S]>[0]) => Promise<unknown>): S {
  sequels.set(statement, sequel);
  return statement;
}

/**
 * Sends statements as one transaction, in one round trip: all of them hold or none does.
 * @returns the rows of each statement, in order
 */
export async function commit<const T extends Statements>(ctx: Committer, statements: T): Promise<BatchResponse<T>> {
  const results = await ctx.db.batch(statements);
  statements.forEach((statement, index) => {
    const sequel = sequels.get(statement);
    if (sequel !== undefined) ctx.defer(follow(ctx, sequel, (results as unknown[])[index]));
  });
  return results;
}

async function follow({ requestId }: Committer, sequel: (rows: unknown) => Promise<unknown>, rows: unknown): Promise<void> {
  try {
    await sequel(rows);
  } catch (error) {
    log("warn", "What was to follow a commit failed.", { request_id: requestId, error });
  }
}

/**
 * The commit that is the effect of an event: where the event arrives again, it is refused as a whole.
 * @param made what it makes, as an expression over what its statements did: the twin of a request is answered from it
 */
export async function commitOnce<const T extends Statements>(
  ctx: Committer,
  statements: T,
  made?: SQL<string>,
): Promise<BatchResponse<T>> {
  const { claim } = ctx;
  if (claim === undefined) return commit(ctx, statements);
  if (claim.note !== undefined && made === undefined) throw new Error("This commit does not say what it makes.");
  const results = await commit(ctx, [claim.take(), ...statements, ...(claim.note === undefined ? [] : [claim.note(made!)])]);
  claim.spent = true;
  return results.slice(1, statements.length + 1) as BatchResponse<T>;
}

/** For `commitOnce`: the id of the row that was last added to a table. */
export function idOfNew(table: PgTable): SQL<string> {
  return sql<string>`currval(pg_get_serial_sequence(${getTableName(table)}, 'id'))::text`;
}

/**
 * The statement that undoes its commit unless all conditions hold, by the code of the first that does not. `refuse` is a function of
 * ours that raises a code as a constraint would, so that it arrives like any other.
 */
export function refuseUnlessAll(db: Database, conditions: Readonly<Record<string, SQL>>): Statement {
  const arms = Object.entries(conditions).map(([code, holds]) => sql`when (${holds}) is not true then refuse(${code})`);
  return db.execute(sql`select case ${sql.join(arms, sql` `)} end`);
}

/** The statement that undoes its commit unless the condition holds. */
export function refuseUnless(db: Database, condition: SQL, code: string): Statement {
  return refuseUnlessAll(db, { [code]: condition });
}

/** SQLSTATE classes that mean the server is out or full: connection, resources, operator intervention, system error. */
const outOfService = /^(08|53|57|58)/;
const undefinedTable = "42P01";

/** The failures of Postgres among an error and its causes: a single query wraps its own, a batch throws it bare. */
function* postgresErrors(error: unknown): Generator<NeonDbError> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof NeonDbError) yield cause;
}

/** The constraint that refused, or the code given to `refuse`; undefined for any other failure. */
export function constraintOf(error: unknown): string | undefined {
  for (const { constraint } of postgresErrors(error)) if (constraint) return constraint;
  return undefined;
}

/** What a failed query means to a client: what its constraint says, or that Postgres is out; undefined for a defect of ours. */
export function databaseFailure(error: unknown): AppError | undefined {
  for (const { constraint, code } of postgresErrors(error)) {
    const refused = constraint ? refusalOf(constraint) : undefined;
    if (refused !== undefined) return refusal(refused, error);
    if (code === undefined || outOfService.test(code)) {
      return new AppError("database_unavailable", "The database does not answer.", { cause: error });
    }
    if (code === undefinedTable) {
      return new AppError("database_unavailable", "The database is not migrated: run `npm run db:migrate`.", { cause: error });
    }
  }
  return undefined;
}

/** What a failure of any kind means to a client; undefined for a defect of ours. */
export function failureOf(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  return error instanceof TellableError ? error.failure : databaseFailure(error);
}

import { getTableName, sql, type SQL } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import type { PgTable } from "drizzle-orm/pg-core";
import { log } from "../log.ts";
import type { Database } from "./client.ts";

/** One statement of a commit: a query that was built but not sent. */
export type Statement = BatchItem<"pg">;

/** Ensures that an event that can arrive more than once has its effect once: a request with an Idempotency-Key, or a job. */
export type OnceGuard = {
  /** The first statement of the commit. Waits for a concurrent duplicate, and fails if a duplicate has committed. */
  acquire(): Statement;
  /** The last statement of the commit. Stores the result ID for the reply to a duplicate. */
  recordResult?(resultId: SQL<string>): Statement;
  /** The first statement of a commit of progress. Fails if the event is over, or if another run of it took over. */
  renew?(): Statement;
  /** Aborted when another run of the event took over. Then every query of this run fails. */
  readonly signal?: AbortSignal | undefined;
  /** Whether a commit has used the guard. */
  used: boolean;
};

/** The parts of the context that a commit needs. */
export type TransactionContext = {
  readonly db: Database;
  readonly requestId: string;
  readonly guard?: OnceGuard | undefined;
  waitUntil(work: Promise<unknown>): void;
};

type Statements = readonly [Statement, ...Statement[]];

/** Callbacks that run after the commit of a statement. */
const afterCommitCallbacks = new WeakMap<object, (rows: unknown) => Promise<unknown>>();

/**
 * Adds a callback to a statement, such as a push or a send. It runs after the commit, after the reply. It is lost if the isolate
 * ends, so something else must be able to repeat it.
 */
export function afterCommit<S extends Statement>(statement: S, sequel: (rows: BatchResponse<[S]>[0]) => Promise<unknown>): S {
  afterCommitCallbacks.set(statement, sequel);
  return statement;
}

/**
 * Runs statements in one transaction and one round trip. Either all of them take effect or none does.
 * @returns the rows of each statement, in order
 */
export async function commit<const T extends Statements>(ctx: TransactionContext, statements: T): Promise<BatchResponse<T>> {
  const results = await ctx.db.batch(statements);
  statements.forEach((statement, index) => {
    const sequel = afterCommitCallbacks.get(statement);
    if (sequel !== undefined) ctx.waitUntil(runAfterCommit(ctx, sequel, (results as unknown[])[index]));
  });
  return results;
}

async function runAfterCommit(
  { requestId }: TransactionContext,
  sequel: (rows: unknown) => Promise<unknown>,
  rows: unknown,
): Promise<void> {
  try {
    await sequel(rows);
  } catch (error) {
    log("warn", "A task after a commit failed.", { request_id: requestId, error });
  }
}

/**
 * Commits the effect of an event. If the event arrives again, the whole commit fails.
 * @param resultId the ID of the result, as an SQL expression. The reply to a duplicate request is rebuilt from it
 */
export async function commitOnce<const T extends Statements>(
  ctx: TransactionContext,
  statements: T,
  resultId?: SQL<string>,
): Promise<BatchResponse<T>> {
  const { guard } = ctx;
  if (guard === undefined) return commit(ctx, statements);
  if (guard.recordResult !== undefined && resultId === undefined)
    throw new Error("This commit does not return the ID of its result.");
  const results = await commit(ctx, [
    guard.acquire(),
    ...statements,
    ...(guard.recordResult === undefined ? [] : [guard.recordResult(resultId!)]),
  ]);
  guard.used = true;
  return results.slice(1, statements.length + 1) as BatchResponse<T>;
}

/** Commits a part of the work of an event. Fails if another run of the event took over. */
export async function commitProgress<const T extends Statements>(
  ctx: TransactionContext,
  statements: T,
): Promise<BatchResponse<T>> {
  const renewal = ctx.guard?.renew?.();
  if (renewal === undefined) return commit(ctx, statements);
  const results = await commit(ctx, [renewal, ...statements]);
  return results.slice(1) as BatchResponse<T>;
}

/** For `commitOnce`: the ID of the last row that was inserted into a table. */
export function idOfNew(table: PgTable): SQL<string> {
  return sql<string>`currval(pg_get_serial_sequence(${getTableName(table)}, 'id'))::text`;
}

/**
 * A statement that rolls back its commit unless all conditions are true. It fails with the code of the first false condition, like a
 * constraint: `refuse` is an SQL function that raises the code.
 */
export function assertAllInTransaction(db: Database, conditions: Readonly<Record<string, SQL>>): Statement {
  const arms = Object.entries(conditions).map(([code, holds]) => sql`when (${holds}) is not true then refuse(${code})`);
  return db.execute(sql`select case ${sql.join(arms, sql` `)} end`);
}

/** A statement that rolls back its commit unless the condition is true. */
export function assertInTransaction(db: Database, condition: SQL, code: string): Statement {
  return assertAllInTransaction(db, { [code]: condition });
}

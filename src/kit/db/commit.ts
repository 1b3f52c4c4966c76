import { getTableName, sql, type SQL } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import type { PgTable } from "drizzle-orm/pg-core";
import { log } from "../log.ts";
import type { Database } from "./client.ts";

/** One statement of a commit: a query that was built and not yet sent. */
export type Statement = BatchItem<"pg">;

/** What lets an event that may arrive more than once have its effect once: a request with an Idempotency-Key, a job. */
export type OnceGuard = {
  /** Opens the commit: waits for a twin that is under way, and refuses where one has held. */
  acquire(): Statement;
  /** Closes it: notes what was made, for the twin's reply. */
  recordResult?(made: SQL<string>): Statement;
  /** Whether a commit has taken it. */
  used: boolean;
};

/** What a commit needs of the event that makes it. */
export type TransactionContext = {
  readonly db: Database;
  readonly requestId: string;
  readonly guard?: OnceGuard | undefined;
  waitUntil(work: Promise<unknown>): void;
};

type Statements = readonly [Statement, ...Statement[]];

/** What is to follow when the commit that holds a statement has held. */
const afterCommitCallbacks = new WeakMap<object, (rows: unknown) => Promise<unknown>>();

/**
 * The same statement, with what is to follow, behind the reply, once its commit has held: a push, a send. It may be lost with the
 * isolate, so it must be something that somebody makes up for.
 */
export function afterCommit<S extends Statement>(statement: S, sequel: (rows: BatchResponse<[S]>[0]) => Promise<unknown>): S {
  afterCommitCallbacks.set(statement, sequel);
  return statement;
}

/**
 * Sends statements as one transaction, in one round trip: all of them hold or none does.
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
 * The commit that is the effect of an event: where the event arrives again, it is refused as a whole.
 * @param made what it makes, as an expression over what its statements did: the twin of a request is answered from it
 */
export async function commitOnce<const T extends Statements>(
  ctx: TransactionContext,
  statements: T,
  made?: SQL<string>,
): Promise<BatchResponse<T>> {
  const { guard: claim } = ctx;
  if (claim === undefined) return commit(ctx, statements);
  if (claim.recordResult !== undefined && made === undefined)
    throw new Error("This commit does not return the ID of its result.");
  const results = await commit(ctx, [
    claim.acquire(),
    ...statements,
    ...(claim.recordResult === undefined ? [] : [claim.recordResult(made!)]),
  ]);
  claim.used = true;
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
export function assertAllInTransaction(db: Database, conditions: Readonly<Record<string, SQL>>): Statement {
  const arms = Object.entries(conditions).map(([code, holds]) => sql`when (${holds}) is not true then refuse(${code})`);
  return db.execute(sql`select case ${sql.join(arms, sql` `)} end`);
}

/** The statement that undoes its commit unless the condition holds. */
export function assertInTransaction(db: Database, condition: SQL, code: string): Statement {
  return assertAllInTransaction(db, { [code]: condition });
}

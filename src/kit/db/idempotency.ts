import { and, eq, lt, sql, type SQL } from "drizzle-orm";
import type { Database } from "./client.ts";
import type { OnceGuard, TransactionContext } from "./commit.ts";
import { constraintOf } from "./errors.ts";
import { AppError } from "../errors.ts";
import { idempotencyKeys } from "./tables.ts";

/** A key that a client chose for a request and all its retries. */
export type IdempotencyKey = { userId: number; key: string; /** Of method, path and body. */ fingerprint: string };

/** How long a key is stored, as an SQL interval. */
const keyLifetime = sql.raw("interval '24 hours'");

const matches = ({ userId, key }: IdempotencyKey) => and(eq(idempotencyKeys.user_id, userId), eq(idempotencyKeys.key, key));

/** Claims a key for one commit. An expired key counts as new. */
export function idempotencyGuard(
  { db }: Pick<TransactionContext, "db">,
  idempotencyKey: IdempotencyKey,
): OnceGuard & { recordResult(resultId: SQL<string>): unknown } {
  const { userId, key, fingerprint } = idempotencyKey;
  return {
    used: false,
    acquire: () =>
      db.execute(sql`
        with taken as (
          insert into ${idempotencyKeys} as held (user_id, key, fingerprint) values (${userId}, ${key}, ${fingerprint})
          on conflict (user_id, key) do update set fingerprint = excluded.fingerprint, made = null, created_at = now()
            where held.created_at < now() - ${keyLifetime}
          returning 1
        )
        select case when exists (select from taken) then null else refuse('idempotency_key_taken') end`),
    recordResult: (resultId) => db.update(idempotencyKeys).set({ made: resultId }).where(matches(idempotencyKey)),
  };
}

/** Whether a commit failed because another request has claimed the key. */
export function isDuplicate(error: unknown): boolean {
  return constraintOf(error) === "idempotency_key_taken";
}

/**
 * The result ID of the request that claimed the key.
 * @throws idempotency_key_reused if that was a different request
 */
export async function readStoredResult(
  { db }: Pick<TransactionContext, "db">,
  idempotencyKey: IdempotencyKey,
): Promise<string> {
  const [stored] = await db
    .select({ fingerprint: idempotencyKeys.fingerprint, made: idempotencyKeys.made })
    .from(idempotencyKeys)
    .where(matches(idempotencyKey));
  if (stored?.fingerprint === idempotencyKey.fingerprint && stored.made !== null) return stored.made;
  throw new AppError(
    "idempotency_key_reused",
    "This Idempotency-Key was already used with a different request. Use a new key.",
  );
}

/** The statement that deletes expired keys. */
export function forgetKeys(db: Database) {
  return db.delete(idempotencyKeys).where(lt(idempotencyKeys.created_at, sql`now() - ${keyLifetime}`));
}

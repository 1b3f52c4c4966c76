import { and, eq, lt, sql, type SQL } from "drizzle-orm";
import type { Database } from "./client.ts";
import type { OnceGuard, TransactionContext } from "./commit.ts";
import { constraintOf } from "./errors.ts";
import { AppError } from "../errors.ts";
import { idempotencyKeys } from "./tables.ts";

/** A key that a client gave to one request of its own, and to every repetition of it. */
export type IdempotencyKey = { userId: number; key: string; /** Of method, path and body. */ fingerprint: string };

/** How long a key is remembered, as Postgres reads it. */
const kept = sql.raw("interval '24 hours'");

const itself = ({ userId, key }: IdempotencyKey) => and(eq(idempotencyKeys.user_id, userId), eq(idempotencyKeys.key, key));

/** Claims a key for one commit. A key that is older than a day is as new. */
export function idempotencyGuard(
  { db }: Pick<TransactionContext, "db">,
  given: IdempotencyKey,
): OnceGuard & { recordResult(made: SQL<string>): unknown } {
  const { userId, key, fingerprint } = given;
  return {
    used: false,
    acquire: () =>
      db.execute(sql`
        with taken as (
          insert into ${idempotencyKeys} as held (user_id, key, fingerprint) values (${userId}, ${key}, ${fingerprint})
          on conflict (user_id, key) do update set fingerprint = excluded.fingerprint, made = null, created_at = now()
            where held.created_at < now() - ${kept}
          returning 1
        )
        select case when exists (select from taken) then null else refuse('idempotency_key_taken') end`),
    recordResult: (made) => db.update(idempotencyKeys).set({ made }).where(itself(given)),
  };
}

/** Whether a commit failed since another request has taken the key before. */
export function isDuplicate(error: unknown): boolean {
  return constraintOf(error) === "idempotency_key_taken";
}

/**
 * What the request that took the key made.
 * @throws idempotency_key_reused where that was another request
 */
export async function readStoredResult({ db }: Pick<TransactionContext, "db">, given: IdempotencyKey): Promise<string> {
  const [taken] = await db
    .select({ fingerprint: idempotencyKeys.fingerprint, made: idempotencyKeys.made })
    .from(idempotencyKeys)
    .where(itself(given));
  if (taken?.fingerprint === given.fingerprint && taken.made !== null) return taken.made;
  throw new AppError(
    "idempotency_key_reused",
    "This Idempotency-Key was already used with a different request. Use a new key.",
  );
}

/** The statement that forgets keys that are no longer remembered. */
export function forgetKeys(db: Database) {
  return db.delete(idempotencyKeys).where(lt(idempotencyKeys.created_at, sql`now() - ${kept}`));
}

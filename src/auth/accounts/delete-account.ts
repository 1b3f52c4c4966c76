import { eq, sql, type SQL } from "drizzle-orm";
import type * as z from "zod";
import type { Ctx } from "../../context.ts";
import { commit, commitOnce, assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import { enqueueJobWithSql } from "../../kit/queue/outbox.ts";
import { failedJobs, idempotencyKeys, outbox } from "../../kit/db/tables.ts";
import { forgetSignIns } from "../../limits/sign-in.ts";
import { signInGateName, confirmPassword } from "./service.ts";
import { auditRow } from "../audit.ts";
import { freshMinutes } from "../constants.ts";
import { forgetCredential } from "../credentials.ts";
import { eraseAccount } from "../job-definitions.ts";
import { hasPassword, lockUser, ofPassword, sessionExists } from "../queries.ts";
import { evictTokens } from "../sessions/service.ts";
import { accounts, apiKeys, auditLog, emailTokens, sessions, users } from "../tables.ts";

/**
 * Deletes an account. Sign-in fails and the username and email become available at once. A job deletes the rest.
 * @throws invalid_credentials if the password is wrong or missing; forbidden if the account has no password and the session is too old
 */
export async function deleteAccount(
  ctx: Ctx,
  { userId, sessionId }: { userId: number; sessionId: number },
  password: string | undefined,
): Promise<void> {
  const stored = password === undefined ? undefined : await checkedPassword(ctx, userId, password);
  const isKnown = sql`${password !== undefined}`;
  const isFresh = sql`${sessions.created_at} > now() - make_interval(mins => ${freshMinutes})`;
  const ofUser = eq(users.id, userId);
  const found = sql`jsonb_build_object('user_id', ${users.id}, 'names', jsonb_build_array(${users.username}, ${users.email}))`;
  const [, , , deletedSessions, keys, minionTokens] = await commit(ctx, [
    lockUser(ctx, userId),
    assertAllInTransaction(ctx.db, {
      session_ended: sessionExists(userId, sessionId),
      ...(stored === undefined ? {} : { password_changed_meanwhile: hasPassword(userId, stored) }),
      password_needed: sql`${isKnown} or not exists (select from ${accounts} where ${ofPassword(userId)})`,
      session_not_fresh: sql`${isKnown} or exists (select from ${sessions} where ${eq(sessions.id, sessionId)} and ${isFresh})`,
    }),
    enqueueJobWithSql(ctx, eraseAccount, sql`(select ${found} from ${users} where ${ofUser})`, userId),
    ctx.db.delete(sessions).where(eq(sessions.user_id, userId)).returning({ token: sessions.token }),
    ctx.db.delete(apiKeys).where(eq(apiKeys.user_id, userId)).returning({ key_hash: apiKeys.key_hash }),
    ctx.db.execute<{ token_hash: string }>(ctx.hooks.deleteMinionTokens(userId)),
    ctx.db.delete(emailTokens).where(eq(emailTokens.user_id, userId)),
    ctx.db.delete(accounts).where(eq(accounts.user_id, userId)),
    ...[outbox, failedJobs].map((jobs) => ctx.db.delete(jobs).where(concernsEmail(jobs, userId))),
    ctx.db
      .update(users)
      .set({ ...anonymizedUser, email: `erased-${userId}@invalid`, updated_at: sql`now()` })
      .where(ofUser),
  ]);
  ctx.hooks.onDevicesRevoked(ctx, userId, "all");
  const hashes = [...keys.map(({ key_hash }) => key_hash), ...minionTokens.rows.map(({ token_hash }) => token_hash)];
  await Promise.all([evictTokens(ctx, deletedSessions), ...hashes.map((hash) => forgetCredential(ctx, hash))]);
}

/** Checks the password. @returns its stored hash. @throws invalid_credentials, rate_limited */
async function checkedPassword(ctx: Ctx, userId: number, password: string): Promise<string> {
  const [account] = await ctx.db.select({ password: accounts.password }).from(accounts).where(ofPassword(userId));
  await confirmPassword(ctx, userId, password, account?.password);
  return account!.password!;
}

/** Matches jobs that have no user ID but contain the user's email. */
function concernsEmail(jobs: typeof outbox | typeof failedJobs, userId: number): SQL {
  const address = sql`(select ${users.email} from ${users} where ${eq(users.id, userId)})`;
  return sql`${jobs.user_id} is null and ${address} in (${jobs.payload} ->> 'email', ${jobs.payload} ->> 'to')`;
}

const anonymizedUser = { username: null, display_username: null, name: "", first_name: "", last_name: "", avatar_url: null };

/** Deletes all data of a user: first the data outside Postgres, then all rows in one commit. */
export async function eraseUser(ctx: Ctx, { user_id, names }: z.output<(typeof eraseAccount)["payload"]>): Promise<void> {
  await forgetSignIns(ctx, [...names.filter((name) => name !== null), signInGateName(user_id)]);
  const statements = await ctx.hooks.eraseUser(ctx, user_id);
  await commitOnce(ctx, [
    auditRow(ctx, "account.erased", null),
    ...statements,
    ...anonymizeAudit(ctx, user_id),
    ctx.db.delete(idempotencyKeys).where(eq(idempotencyKeys.user_id, user_id)),
    ctx.db.delete(failedJobs).where(eq(failedJobs.user_id, user_id)),
    ctx.db.delete(outbox).where(eq(outbox.user_id, user_id)),
    ctx.db.delete(users).where(eq(users.id, user_id)),
  ]);
}

/** Keeps the audit entries and removes the user and the details from them. */
function anonymizeAudit(ctx: Ctx, userId: number): Statement[] {
  return [
    ctx.db.update(auditLog).set({ subject_user_id: null, details: {} }).where(eq(auditLog.subject_user_id, userId)),
    ctx.db
      .update(auditLog)
      .set({ actor_user_id: null, actor: "erased", ip_address: null })
      .where(eq(auditLog.actor_user_id, userId)),
  ];
}

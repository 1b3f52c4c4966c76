import { and, desc, eq, gt, lt, ne, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { sha256Hex } from "../../kit/crypto/hash.ts";
import { commit, assertInTransaction, type Statement } from "../../kit/db/commit.ts";
import { constraintOf } from "../../kit/db/errors.ts";
import { forgetKeys } from "../../kit/db/idempotency.ts";
import { forgetMailRecipients } from "../../kit/mail-limits.ts";
import { auditRow } from "../audit.ts";
import { forgetCredential, sessionDevice } from "../credentials.ts";
import { lockUser } from "../queries.ts";
import { emailTokens, sessions, verifications } from "../tables.ts";

/** The lifetime of a session after its last refresh, in days. */
const sessionDays = 30;

/** The time when a session that is used now expires. */
export const expiry = sql`now() + make_interval(days => ${sessionDays})`;

/** A session as shown to its owner. */
export type Session = {
  id: number;
  device: string;
  ip: string | null;
  place: string | null;
  last_seen_at: Date;
  created_at: Date;
  is_current: boolean;
};

/** The statement that inserts a session. */
export function sessionRow(ctx: Ctx, userId: number, token: string): Statement {
  const { ip, location, userAgent } = ctx.client;
  return ctx.db.insert(sessions).values({
    user_id: userId,
    token,
    expires_at: expiry,
    ip_address: ip,
    place: location,
    user_agent: userAgent?.slice(0, 512) ?? null,
  });
}

/** Lists a user's sessions, last used first. */
export async function listSessions(ctx: Ctx, userId: number, currentId: number | undefined): Promise<Session[]> {
  const rows = await ctx.db
    .select()
    .from(sessions)
    .where(and(eq(sessions.user_id, userId), gt(sessions.expires_at, sql`now()`)))
    .orderBy(desc(sessions.last_seen_at), desc(sessions.id));
  const { nameDevice } = await import("./device-name.ts");
  return rows.map(({ id, user_agent, ip_address, place, last_seen_at, created_at }) => ({
    id,
    device: nameDevice(user_agent),
    ip: ip_address,
    place,
    last_seen_at,
    created_at,
    is_current: id === currentId,
  }));
}

/** Revokes one session of a user. @throws not_found */
export async function revokeSession(ctx: Ctx, userId: number, sessionId: number): Promise<void> {
  const ownSession = and(eq(sessions.id, sessionId), eq(sessions.user_id, userId))!;
  const [, , revoked] = await commit(ctx, [
    lockUser(ctx, userId),
    assertInTransaction(ctx.db, sql`exists (select from ${sessions} where ${ownSession})`, "session_not_found"),
    ctx.db.delete(sessions).where(ownSession).returning(revokedSessionColumns),
    auditRow(ctx, "session.revoked", userId, { session_id: sessionId }),
  ]);
  await onSessionsRevoked(ctx, userId, revoked);
}

/** Revokes the session of the caller. It does nothing if the session has ended meanwhile. */
export async function endSession(ctx: Ctx, userId: number, sessionId: number): Promise<void> {
  try {
    await revokeSession(ctx, userId, sessionId);
  } catch (error) {
    if (constraintOf(error) !== "session_not_found") throw error;
  }
}

/** Revokes all other sessions of a user. @returns the number of revoked sessions */
export async function revokeOtherSessions(ctx: Ctx, userId: number, currentId: number): Promise<number> {
  const [revoked] = await commit(ctx, [
    ctx.db
      .delete(sessions)
      .where(and(eq(sessions.user_id, userId), ne(sessions.id, currentId)))
      .returning(revokedSessionColumns),
    auditRow(ctx, "session.revoked", userId, { kept: currentId }),
  ]);
  await onSessionsRevoked(ctx, userId, revoked);
  return revoked.length;
}

/** Deletes expired sessions, verifications, mailed links, counts of mails and idempotency keys. @returns the numbers of deleted sessions and verifications */
export async function sweepExpired(ctx: Ctx): Promise<{ sessions: number; verifications: number }> {
  const [expiredSessions, expiredVerifications] = await commit(ctx, [
    ctx.db
      .delete(sessions)
      .where(lt(sessions.expires_at, sql`now()`))
      .returning({ id: sessions.id }),
    ctx.db
      .delete(verifications)
      .where(lt(verifications.expires_at, sql`now()`))
      .returning({ id: verifications.id }),
    ctx.db.delete(emailTokens).where(lt(emailTokens.expires_at, sql`now() - interval '1 day'`)),
    forgetMailRecipients(ctx),
    forgetKeys(ctx.db),
  ]);
  return { sessions: expiredSessions.length, verifications: expiredVerifications.length };
}

/** The columns of a deleted session that `onSessionsRevoked` needs. */
export const revokedSessionColumns = { id: sessions.id, token: sessions.token };

/** Removes deleted sessions from the credential caches and closes their sockets. */
export async function onSessionsRevoked(
  ctx: Ctx,
  userId: number,
  revoked: readonly { id: number; token: string }[],
): Promise<void> {
  if (revoked.length > 0)
    ctx.hooks.onDevicesRevoked(
      ctx,
      userId,
      revoked.map(({ id }) => sessionDevice(id)),
    );
  await evictTokens(ctx, revoked);
}

/** Removes tokens from the credential caches of this isolate and of KV. */
export async function evictTokens(ctx: Ctx, tokens: readonly { token: string }[]): Promise<void> {
  await Promise.all(tokens.map(async ({ token }) => forgetCredential(ctx, await sha256Hex(token))));
}

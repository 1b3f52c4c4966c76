import { and, desc, eq, gt, lt, ne, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { sha256Hex, newSecret } from "../../kit/crypto/hash.ts";
import { commit, assertInTransaction, type Statement } from "../../kit/db/commit.ts";
import { AppError } from "../../kit/errors.ts";
import { forgetKeys } from "../../kit/db/idempotency.ts";
import { auditRow } from "../audit.ts";
import { forgetCredential, sessionDevice } from "../credentials.ts";
import { retiredTokens, sessions, verifications } from "../tables.ts";

/** A device stays signed in this long after its last refresh. */
const sessionDays = 30;

const expiry = sql`now() + make_interval(days => ${sessionDays})`;

/** A device that is signed in, as its owner sees it. */
export type Session = {
  id: number;
  device: string;
  ip: string | null;
  place: string | null;
  last_seen_at: Date;
  created_at: Date;
  is_current: boolean;
};

/** The statement that signs a device in. */
export function sessionRow(ctx: Ctx, userId: number, token: string): Statement {
  const { ip, place, userAgent } = ctx.client;
  return ctx.db.insert(sessions).values({
    user_id: userId,
    token,
    expires_at: expiry,
    ip_address: ip,
    place,
    user_agent: userAgent?.slice(0, 512) ?? null,
  });
}

/** The devices on which a user is signed in, the last seen first. */
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

/** Signs one device of a user out. @throws not_found */
export async function revokeSession(ctx: Ctx, userId: number, sessionId: number): Promise<void> {
  const its = and(eq(sessions.id, sessionId), eq(sessions.user_id, userId))!;
  const [, gone] = await commit(ctx, [
    assertInTransaction(ctx.db, sql`exists (select from ${sessions} where ${its})`, "session_not_found"),
    ctx.db.delete(sessions).where(its).returning(revokedSessionColumns),
    auditRow(ctx, "session.revoked", userId, { session_id: sessionId }),
  ]);
  await onSessionsRevoked(ctx, userId, gone);
}

/** Signs every other device of a user out. @returns how many */
export async function revokeOtherSessions(ctx: Ctx, userId: number, currentId: number): Promise<number> {
  const [gone] = await commit(ctx, [
    ctx.db
      .delete(sessions)
      .where(and(eq(sessions.user_id, userId), ne(sessions.id, currentId)))
      .returning(revokedSessionColumns),
    auditRow(ctx, "session.revoked", userId, { kept: currentId }),
  ]);
  await onSessionsRevoked(ctx, userId, gone);
  return gone.length;
}

/**
 * Gives a device a new token for its old one. A second refresh with the old one, while it is still taken, gets the same.
 * @throws unauthenticated when the session is gone
 */
export async function refreshSession(ctx: Ctx, sessionId: number, token: string): Promise<string> {
  const hash = await sha256Hex(token);
  const [, , current] = await commit(ctx, [
    ctx.db.insert(retiredTokens).select(
      ctx.db
        .select({
          token_hash: sql<string>`${hash}`.as("token_hash"),
          session_id: sessions.id,
          retired_at: sql`now()`.as("retired_at"),
        })
        .from(sessions)
        .where(and(eq(sessions.id, sessionId), eq(sessions.token, token))),
    ),
    ctx.db
      .update(sessions)
      .set({ token: newSecret(), expires_at: expiry, updated_at: sql`now()` })
      .where(and(eq(sessions.id, sessionId), eq(sessions.token, token))),
    ctx.db.select({ token: sessions.token }).from(sessions).where(eq(sessions.id, sessionId)),
  ]);
  await forgetCredential(ctx, hash);
  if (current[0] === undefined) throw new AppError("unauthenticated", "This session has ended. Sign in again.");
  return current[0].token;
}

/** Deletes sessions, one-time proofs and idempotency keys that have expired. @returns how many of each of the first two */
export async function sweepExpired(ctx: Ctx): Promise<{ sessions: number; verifications: number }> {
  const [past, lapsed] = await commit(ctx, [
    ctx.db
      .delete(sessions)
      .where(lt(sessions.expires_at, sql`now()`))
      .returning({ id: sessions.id }),
    ctx.db
      .delete(verifications)
      .where(lt(verifications.expires_at, sql`now()`))
      .returning({ id: verifications.id }),
    forgetKeys(ctx.db),
  ]);
  return { sessions: past.length, verifications: lapsed.length };
}

/** What `endSessions` must know of a session that was deleted. */
export const revokedSessionColumns = { id: sessions.id, token: sessions.token };

/** Makes this isolate, and soon the others, forget sessions of a user that are gone, and ends what they listen to. */
export async function onSessionsRevoked(
  ctx: Ctx,
  userId: number,
  gone: readonly { id: number; token: string }[],
): Promise<void> {
  if (gone.length > 0)
    ctx.hooks.onDevicesRevoked(
      ctx,
      userId,
      gone.map(({ id }) => sessionDevice(id)),
    );
  await evictTokens(ctx, gone);
}

/** Makes this isolate, and soon the others, look these tokens up anew. */
export async function evictTokens(ctx: Ctx, tokens: readonly { token: string }[]): Promise<void> {
  await Promise.all(tokens.map(async ({ token }) => forgetCredential(ctx, await sha256Hex(token))));
}

import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { newSecret, sha256Hex } from "../../kit/crypto/hash.ts";
import { commit } from "../../kit/db/commit.ts";
import { AppError } from "../../kit/errors.ts";
import { forgetCredential } from "../credentials.ts";
import { expiry } from "../sessions/service.ts";
import { retiredTokens, sessions, users } from "../tables.ts";
import { ownUserColumns, toUser, type User } from "./users.ts";

/**
 * Replaces the token of a session, and reads its user. One round trip. A second refresh with the old
 * token, while that is still valid, returns the same new token.
 * @throws unauthenticated if the session no longer exists
 */
export async function refreshSession(
  ctx: Ctx,
  { userId, sessionId }: { userId: number; sessionId: number },
  token: string,
): Promise<{ token: string; user: User }> {
  const hash = await sha256Hex(token);
  const [, , , current, rows] = await commit(ctx, [
    ctx.db.select({ id: sessions.id }).from(sessions).where(eq(sessions.id, sessionId)).for("update"),
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
    ctx.db.select(ownUserColumns(ctx)).from(users).where(eq(users.id, userId)),
  ]);
  await forgetCredential(ctx, hash);
  const [session, row] = [current[0], rows[0]];
  if (session === undefined || row === undefined) {
    throw new AppError("unauthenticated", "This session has ended. Sign in again.");
  }
  return { token: session.token, user: toUser(ctx, row) };
}

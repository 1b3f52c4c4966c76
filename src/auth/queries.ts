import { and, eq, gt, isNull, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { passwordProvider } from "./constants.ts";
import { accounts, apiKeys, sessions, users } from "./tables.ts";

/**
 * The first statement of a commit whose conditions must hold until its end: changes of the same account wait for each other.
 * @param strength `share` for a commit that changes nothing of the account itself, such as a sign-in
 */
export function lockUser(
  { db }: Pick<Ctx, "db">,
  userId: number,
  strength: "no key update" | "share" = "no key update",
): Statement {
  return db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for(strength);
}

/** Whether a session has not ended. Its request may have been admitted before a ban, or before another request ended it. */
export function sessionExists(userId: number, sessionId: number): SQL {
  return sql`exists (select from ${sessions} where ${and(eq(sessions.id, sessionId), eq(sessions.user_id, userId))})`;
}

/** The password account of a user. */
export function ofPassword(userId: number): SQL {
  return and(eq(accounts.user_id, userId), eq(accounts.provider_id, passwordProvider))!;
}

/** Whether the stored hash of a user's password is still the one that was checked. */
export function hasPassword(userId: number, stored: string): SQL {
  return sql`exists (select from ${accounts} where ${and(ofPassword(userId), eq(accounts.password, stored))})`;
}

/**
 * Whether a device (`session:12`, `key:3`) may still act for its user. A signed ticket is checked with it when it is used: meanwhile
 * the session or key may have ended, the user may be banned, or the account deleted.
 */
export function isDeviceLive(userId: number, device: string): SQL<boolean> {
  const [kind, id] = device.split(":");
  const table = kind === "key" ? apiKeys : sessions;
  const isCurrent = or(isNull(table.expires_at), gt(table.expires_at, sql`now()`));
  const isOwn = and(eq(table.id, Number(id)), eq(table.user_id, userId), isNull(users.banned_at), isCurrent);
  return sql<boolean>`exists (select from ${table} join ${users} on ${eq(users.id, table.user_id)} where ${isOwn})`;
}

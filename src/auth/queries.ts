import { and, eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { passwordProvider } from "./constants.ts";
import { accounts, sessions, users } from "./tables.ts";

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

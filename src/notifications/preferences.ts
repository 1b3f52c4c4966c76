import { eq, sql } from "drizzle-orm";
import { users } from "../auth/tables.ts";
import type { Ctx } from "../context.ts";
import { afterCommit, commit, assertInTransaction } from "../kit/db/commit.ts";
import { pushToDevices } from "./hub-client.ts";
import { userPreferences } from "./tables.ts";

/** What a user's clients keep, and how often it was written: 0 is never. */
export type Preferences = { preferences: Record<string, unknown>; version: number };

/** One round trip. */
export async function getPreferences(ctx: Ctx, userId: number): Promise<Preferences> {
  const [kept] = await ctx.db.select().from(userPreferences).where(eq(userPreferences.user_id, userId));
  return { preferences: kept?.document ?? {}, version: kept?.version ?? 0 };
}

/**
 * Replaces a user's preferences, and tells their other devices. One round trip.
 * @param seen the version that the client changed; whichever there is, if left out
 * @throws precondition_failed where it has changed since
 */
export async function putPreferences(
  ctx: Ctx,
  userId: number,
  document: Record<string, unknown>,
  seen: number | undefined,
): Promise<Preferences> {
  const { version } = userPreferences;
  const current = sql`coalesce((select ${version} from ${userPreferences} where ${eq(userPreferences.user_id, userId)}), 0)`;
  const [, , rows] = await commit(ctx, [
    ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update"),
    assertInTransaction(ctx.db, seen === undefined ? sql`true` : sql`${current} = ${seen}`, "version_changed"),
    afterCommit(
      ctx.db
        .insert(userPreferences)
        .values({ user_id: userId, document, version: 1 })
        .onConflictDoUpdate({
          target: userPreferences.user_id,
          set: { document, version: sql`${version} + 1`, updated_at: sql`now()` },
        })
        .returning({ version }),
      ([written]) =>
        pushToDevices(ctx, userId, { type: "preferences_changed", preferences: document, version: written!.version }),
    ),
  ]);
  return { preferences: document, version: rows[0]!.version };
}

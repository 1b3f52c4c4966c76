import { eq, sql } from "drizzle-orm";
import { users } from "../auth/tables.ts";
import type { Ctx } from "../context.ts";
import { afterCommit, commit, assertInTransaction } from "../kit/db/commit.ts";
import { pushToDevices } from "./hub-client.ts";
import { userPreferences } from "./tables.ts";

/** A user's preferences and the number of their writes. */
export type Preferences = { preferences: Record<string, unknown>; version: number };

/** One round trip. */
export async function getPreferences(ctx: Ctx, userId: number): Promise<Preferences> {
  const [row] = await ctx.db.select().from(userPreferences).where(eq(userPreferences.user_id, userId));
  return { preferences: row?.document ?? {}, version: row?.version ?? 0 };
}

/**
 * Replaces a user's preferences and notifies their other devices. One round trip.
 * @param expectedVersion the version that the client has read. Default: any version
 * @throws precondition_failed if the version has changed
 */
export async function putPreferences(
  ctx: Ctx,
  userId: number,
  document: Record<string, unknown>,
  expectedVersion: number | undefined,
): Promise<Preferences> {
  const { version } = userPreferences;
  const current = sql`coalesce((select ${version} from ${userPreferences} where ${eq(userPreferences.user_id, userId)}), 0)`;
  const [, , rows] = await commit(ctx, [
    ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update"),
    assertInTransaction(
      ctx.db,
      expectedVersion === undefined ? sql`true` : sql`${current} = ${expectedVersion}`,
      "version_changed",
    ),
    afterCommit(
      ctx.db
        .insert(userPreferences)
        .values({ user_id: userId, document, version: 1 })
        .onConflictDoUpdate({
          target: userPreferences.user_id,
          set: { document, version: sql`${version} + 1`, updated_at: sql`now()` },
        })
        .returning({ version }),
      ([row]) => pushToDevices(ctx, userId, { type: "preferences_changed", preferences: document, version: row!.version }),
    ),
  ]);
  return { preferences: document, version: rows[0]!.version };
}

import { and, desc, eq, isNull, sql } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { commit } from "../kit/db/commit.ts";
import { notifications, userPreferences } from "./tables.ts";

/** The columns of a notification that replies contain. */
export const notificationColumns = {
  id: notifications.id,
  kind: notifications.kind,
  title: notifications.title,
  body: notifications.body,
  link: notifications.link,
  data: notifications.data,
  created_at: notifications.created_at,
  read_at: notifications.read_at,
};

/** A condition: the unread notifications of a user. */
export const unreadOf = (userId: number) => and(eq(notifications.user_id, userId), isNull(notifications.read_at));

/** The number of notifications in a snapshot. */
const snapshotSize = 20;

/** Reads the current state for a user's devices. One round trip. */
export async function readSnapshot(ctx: Ctx, userId: number) {
  const [newest, [count], [preferences]] = await commit(ctx, [
    ctx.db
      .select(notificationColumns)
      .from(notifications)
      .where(eq(notifications.user_id, userId))
      .orderBy(desc(notifications.id))
      .limit(snapshotSize),
    ctx.db
      .select({ unread: sql<number>`count(*)::int` })
      .from(notifications)
      .where(unreadOf(userId)),
    ctx.db.select().from(userPreferences).where(eq(userPreferences.user_id, userId)),
  ]);
  return {
    notifications: newest,
    unread: count!.unread,
    preferences: preferences?.document ?? {},
    version: preferences?.version ?? 0,
  };
}

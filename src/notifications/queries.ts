import { and, desc, eq, isNull, sql } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { commit } from "../kit/db/commit.ts";
import { notifications, userPreferences } from "./tables.ts";

/** The columns of a notification that its user is shown. */
export const shown = {
  id: notifications.id,
  kind: notifications.kind,
  title: notifications.title,
  body: notifications.body,
  link: notifications.link,
  data: notifications.data,
  created_at: notifications.created_at,
  read_at: notifications.read_at,
};

/** The condition of a user's unread notifications. */
export const unreadOf = (userId: number) => and(eq(notifications.user_id, userId), isNull(notifications.read_at));

/** How many notifications a device is shown that missed more than is kept. */
const snapshotSize = 20;

/** How things stand for a user's devices. One round trip. */
export async function readSnapshot(ctx: Ctx, userId: number) {
  const [newest, [count], [kept]] = await commit(ctx, [
    ctx.db
      .select(shown)
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
    preferences: kept?.document ?? {},
    version: kept?.version ?? 0,
  };
}

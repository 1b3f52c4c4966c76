import { and, desc, eq, lt, lte, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { afterCommit, commit, assertInTransaction, type Statement } from "../kit/db/commit.ts";
import { paginate, type PageQueryOutput } from "../kit/http/zod-schemas.ts";
import { pushToDevices } from "./hub-client.ts";
import { notifications, userPreferences } from "./tables.ts";
import { notificationColumns, unreadOf } from "./queries.ts";

/** A new notification. `kind` is its type for clients, `link` its target. */
export type NewNotification = {
  kind: string;
  title: string;
  body?: string;
  link?: string;
  data?: Record<string, unknown>;
  /** The cause of the notification. A second notification with the same reference is not inserted. */
  reference?: string;
};

/** The statement that inserts a notification. After its commit, the user's devices receive it. */
export function insertNotification(
  ctx: Ctx,
  userId: number,
  { kind, title, body = "", link, data = {}, reference }: NewNotification,
): Statement {
  return insertNotifications(
    ctx,
    sql`values (${userId}::int, ${kind}, ${title}, ${body}, ${link ?? null}, ${JSON.stringify(data)}::jsonb, ${reference ?? null})`,
  );
}

type NotificationRow = {
  user_id: number;
  id: number;
  kind: string;
  title: string;
  body: string;
  link: string | null;
  data: Record<string, unknown>;
  created_at: string;
};

/** The statement that inserts the notifications of a query with the columns `user_id`, `kind`, `title`, `body`, `link`, `data`, `reference`, in this order. */
export function insertNotifications(ctx: Ctx, query: SQL): Statement {
  const rows = ctx.db.execute<NotificationRow>(sql`
    insert into ${notifications} (user_id, kind, title, body, link, data, reference)
    ${query}
    on conflict (user_id, reference) do nothing
    returning user_id, id, kind, title, body, link, data, created_at`);
  return afterCommit(rows, async ({ rows: inserted }) => {
    for (const { user_id, created_at, ...row } of inserted) {
      const notification = { ...row, created_at: new Date(created_at).toISOString(), read_at: null };
      await pushToDevices(ctx, user_id, { type: "notification", notification }, `notification:${row.id}`);
    }
  });
}

/** Lists a user's notifications, newest first, with the number of unread ones. One round trip. */
export async function listNotifications(
  ctx: Ctx,
  userId: number,
  { limit, cursor, unread }: PageQueryOutput & { unread?: boolean | undefined },
) {
  const ofUser = eq(notifications.user_id, userId);
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select(notificationColumns)
      .from(notifications)
      .where(
        and(
          unread ? unreadOf(userId) : ofUser,
          unread === false ? sql`${notifications.read_at} is not null` : undefined,
          cursor === undefined ? undefined : lt(notifications.id, cursor),
        ),
      )
      .orderBy(desc(notifications.id))
      .limit(limit + 1),
    ctx.db
      .select({
        all: sql<number>`count(*)::int`,
        unread: sql<number>`(count(*) filter (where ${notifications.read_at} is null))::int`,
      })
      .from(notifications)
      .where(ofUser),
  ]);
  const { items, ...next } = paginate(rows, limit);
  const total = unread === undefined ? count!.all : unread ? count!.unread : count!.all - count!.unread;
  return { notifications: items, total, unread: count!.unread, ...next };
}

/** Marks a notification as read and notifies the other devices. One round trip. @throws not_found */
export async function markRead(ctx: Ctx, userId: number, id: number) {
  const ownNotification = and(eq(notifications.id, id), eq(notifications.user_id, userId))!;
  const [, rows] = await commit(ctx, [
    assertInTransaction(ctx.db, sql`exists (select from ${notifications} where ${ownNotification})`, "notification_not_found"),
    afterCommit(
      ctx.db
        .update(notifications)
        .set({ read_at: sql`coalesce(${notifications.read_at}, now())` })
        .where(ownNotification)
        .returning(notificationColumns),
      ([row]) =>
        pushToDevices(ctx, userId, {
          type: "notifications_read",
          ids: [id],
          up_to: null,
          read_at: row!.read_at!.toISOString(),
        }),
    ),
  ]);
  return rows[0]!;
}

/** Marks all notifications as read, or those up to `upTo`. One round trip. @returns the number of notifications that were unread */
export async function markAllRead(ctx: Ctx, userId: number, upTo: number | undefined): Promise<number> {
  const [rows] = await commit(ctx, [
    afterCommit(
      ctx.db
        .update(notifications)
        .set({ read_at: sql`now()` })
        .where(and(unreadOf(userId), upTo === undefined ? undefined : lte(notifications.id, upTo)))
        .returning({ id: notifications.id, read_at: notifications.read_at }),
      async (read) => {
        const last = upTo ?? read.reduce((high, { id }) => Math.max(high, id), 0);
        if (read.length === 0) return;
        const readAt = read[0]!.read_at!.toISOString();
        await pushToDevices(ctx, userId, { type: "notifications_read", ids: null, up_to: last, read_at: readAt });
      },
    ),
  ]);
  return rows.length;
}

/** The queries that export this feature's data of a user. */
export function exportRows(ctx: Ctx, userId: number): Record<string, Statement> {
  const { document, version, updated_at } = userPreferences;
  return {
    notifications: ctx.db
      .select(notificationColumns)
      .from(notifications)
      .where(eq(notifications.user_id, userId))
      .orderBy(notifications.id),
    preferences: ctx.db
      .select({ document, version, updated_at })
      .from(userPreferences)
      .where(eq(userPreferences.user_id, userId)),
  };
}

import { and, desc, eq, lt, lte, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { afterCommit, commit, assertInTransaction, type Statement } from "../kit/db/commit.ts";
import { paginate, type PageQueryOutput } from "../kit/http/zod-schemas.ts";
import { pushToDevices } from "./hub-client.ts";
import { notifications, userPreferences } from "./tables.ts";
import { shown, unreadOf } from "./queries.ts";

/** What somebody is told. `kind` says to clients what it is about, `link` where it leads. */
export type NewNotification = {
  kind: string;
  title: string;
  body?: string;
  link?: string;
  data?: Record<string, unknown>;
  /** What brought it about, where that may be told twice: it is told once. */
  reference?: string;
};

/** The statement that puts news into a user's inbox; their devices are told once its commit has held. */
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

type NewsRow = {
  user_id: number;
  id: number;
  kind: string;
  title: string;
  body: string;
  link: string | null;
  data: Record<string, unknown>;
  created_at: string;
};

/** The statement that puts news into inboxes that a query finds: `user_id`, `kind`, `title`, `body`, `link`, `data`, `reference`, in this order. */
export function insertNotifications(ctx: Ctx, news: SQL): Statement {
  const rows = ctx.db.execute<NewsRow>(sql`
    insert into ${notifications} (user_id, kind, title, body, link, data, reference)
    ${news}
    on conflict (user_id, reference) do nothing
    returning user_id, id, kind, title, body, link, data, created_at`);
  return afterCommit(rows, async ({ rows: made }) => {
    for (const { user_id, created_at, ...told } of made) {
      const notification = { ...told, created_at: new Date(created_at).toISOString(), read_at: null };
      await pushToDevices(ctx, user_id, { type: "notification", notification }, `notification:${told.id}`);
    }
  });
}

/** A user's inbox, the newest first, and how many are unread. One round trip. */
export async function listNotifications(
  ctx: Ctx,
  userId: number,
  { limit, cursor, unread }: PageQueryOutput & { unread?: boolean | undefined },
) {
  const its = eq(notifications.user_id, userId);
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select(shown)
      .from(notifications)
      .where(
        and(
          unread ? unreadOf(userId) : its,
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
      .where(its),
  ]);
  const { items, ...next } = paginate(rows, limit);
  const total = unread === undefined ? count!.all : unread ? count!.unread : count!.all - count!.unread;
  return { notifications: items, total, unread: count!.unread, ...next };
}

/** Marks one as read; the other devices see it. One round trip. @throws not_found */
export async function markRead(ctx: Ctx, userId: number, id: number) {
  const its = and(eq(notifications.id, id), eq(notifications.user_id, userId))!;
  const [, rows] = await commit(ctx, [
    assertInTransaction(ctx.db, sql`exists (select from ${notifications} where ${its})`, "notification_not_found"),
    afterCommit(
      ctx.db
        .update(notifications)
        .set({ read_at: sql`coalesce(${notifications.read_at}, now())` })
        .where(its)
        .returning(shown),
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

/** Marks all as read, or those up to the last that was seen. One round trip. @returns how many were unread */
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

/** What is held of a user here. */
export function exportRows(ctx: Ctx, userId: number): Record<string, Statement> {
  const { document, version, updated_at } = userPreferences;
  return {
    notifications: ctx.db.select(shown).from(notifications).where(eq(notifications.user_id, userId)).orderBy(notifications.id),
    preferences: ctx.db
      .select({ document, version, updated_at })
      .from(userPreferences)
      .where(eq(userPreferences.user_id, userId)),
  };
}

import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { andThen, commit, commitOnce, idOfNew, refuseUnlessAll } from "../../kit/db/commit.ts";
import { jobRow } from "../../kit/queue/outbox.ts";
import { eraseConversation } from "../job-definitions.ts";
import {
  isThere as minionIsThere,
  lock,
  itself as minionItself,
  selectMinions,
  type MinionRow,
} from "../../minions/queries.ts";
import { reachRoom } from "../room/client.ts";
import {
  activity,
  conversationColumns,
  finds,
  hasRoom,
  isThere,
  itself,
  selectConversations,
  snippetOf,
  type ConversationRow,
} from "../queries.ts";
import type { ConversationChange, ConversationsQuery } from "../schemas.ts";
import { conversations } from "../tables.ts";

/** Begins a conversation with a minion. One round trip. @throws not_found, conflict where there are too many */
export async function createConversation(
  ctx: Ctx,
  userId: number,
  minionId: number,
  { title }: { title?: string | undefined } = {},
): Promise<ConversationRow> {
  const given = title === undefined ? {} : { title, is_title_own: true };
  const results = await commitOnce(
    ctx,
    [
      ...lock(ctx, userId, minionId),
      refuseUnlessAll(ctx.db, {
        minion_not_found: minionIsThere(userId, minionId),
        conversation_limit_reached: hasRoom(userId),
      }),
      ctx.db
        .insert(conversations)
        .values({ user_id: userId, minion_id: minionId, ...given })
        .returning(conversationColumns),
    ],
    idOfNew(conversations),
  );
  return (results.at(-1) as ConversationRow[])[0]!;
}

/** A conversation, and the minion that it is with. */
export type WithMinion = { conversation: ConversationRow; minion: MinionRow };

/** The conversation with a minion that a program goes on with which names none. One round trip. @throws not_found, conflict */
export async function directConversation(ctx: Ctx, userId: number, minionId: number): Promise<WithMinion> {
  const its = and(eq(conversations.minion_id, minionId), eq(conversations.kind, "direct"))!;
  const found = selectConversations(ctx, userId, its);
  const results = await commit(ctx, [
    ...lock(ctx, userId, minionId),
    refuseUnlessAll(ctx.db, {
      minion_not_found: minionIsThere(userId, minionId),
      conversation_limit_reached: sql`exists (${found}) or ${hasRoom(userId)}`,
    }),
    ctx.db.insert(conversations).values({ user_id: userId, minion_id: minionId, kind: "direct" }).onConflictDoNothing(),
    selectConversations(ctx, userId, its),
    selectMinions(ctx, userId, minionItself(userId, minionId)),
  ]);
  return withMinion(results);
}

/** A user's conversation with one of their minions, to be gone on with. One round trip. @throws not_found */
export async function conversationWith(
  ctx: Ctx,
  userId: number,
  minionId: number,
  conversationId: number,
): Promise<WithMinion> {
  const its = and(eq(conversations.id, conversationId), eq(conversations.minion_id, minionId))!;
  const found = selectConversations(ctx, userId, its);
  const results = await commit(ctx, [
    refuseUnlessAll(ctx.db, {
      minion_not_found: minionIsThere(userId, minionId),
      conversation_not_found: sql`exists (${found})`,
    }),
    selectConversations(ctx, userId, its),
    selectMinions(ctx, userId, minionItself(userId, minionId)),
  ]);
  return withMinion(results);
}

function withMinion(results: readonly unknown[]): WithMinion {
  const [[conversation], [minion]] = results.slice(-2) as [ConversationRow[], MinionRow[]];
  return { conversation: conversation!, minion: minion! };
}

/** A conversation that was listed; where words were looked for, with what says them. */
export type ListedConversation = ConversationRow & { snippet: string | null };

/** A user's conversations, in which something happened last before others, and how many answer to what is asked. One round trip. */
export async function listConversations(
  ctx: Ctx,
  userId: number,
  { limit, cursor, minion_id, q }: ConversationsQuery,
): Promise<{ conversations: ListedConversation[]; total: number; next_cursor?: string }> {
  const wanted = and(
    eq(conversations.user_id, userId),
    minion_id === undefined ? undefined : eq(conversations.minion_id, minion_id),
    q === undefined ? undefined : finds(userId, q),
  );
  const at = sql<string>`((extract(epoch from ${activity}) * 1000000)::bigint)::text`;
  const before =
    cursor &&
    sql`(${activity}, ${conversations.id}) < (timestamptz 'epoch' + ${cursor.at}::bigint * interval '1 microsecond', ${cursor.id}::int)`;
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select({ ...conversationColumns, snippet: q === undefined ? sql<null>`null` : snippetOf(userId, q), at })
      .from(conversations)
      .where(and(wanted, before))
      .orderBy(sql`${activity} desc`, sql`${conversations.id} desc`)
      .limit(limit + 1),
    ctx.db
      .select({ total: sql<number>`count(*)::int` })
      .from(conversations)
      .where(wanted),
  ]);
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    conversations: page.map(({ at: _at, ...row }) => row),
    total: count!.total,
    ...(last === undefined ? {} : { next_cursor: `${last.at}-${last.id}` }),
  };
}

/**
 * Edits a conversation; its room is told behind the reply, and finds it in Postgres where it was not.
 * @param seen the version that was edited; whichever there is, if left out. One round trip. @throws not_found, precondition_failed
 */
export async function changeConversation(
  ctx: Ctx,
  userId: number,
  conversationId: number,
  { title, pinned_facts }: ConversationChange,
  seen: number | undefined,
): Promise<ConversationRow> {
  const its = itself(userId, conversationId);
  const said = {
    ...(title === undefined ? {} : { title }),
    ...(pinned_facts === undefined ? {} : { pinned_facts }),
  };
  const isSeen = sql`(select ${conversations.version} from ${conversations} where ${its}) = ${seen}`;
  const edited = ctx.db
    .update(conversations)
    .set({
      ...said,
      ...(title === undefined ? {} : { is_title_own: true }),
      version: sql`${conversations.version} + 1`,
      updated_at: sql`now()`,
    })
    .where(its)
    .returning(conversationColumns);
  const [, , rows] = await commit(ctx, [
    ctx.db.select({ id: conversations.id }).from(conversations).where(its).for("no key update"),
    refuseUnlessAll(ctx.db, {
      conversation_not_found: isThere(userId, conversationId),
      ...(seen === undefined ? {} : { version_changed: isSeen }),
    }),
    andThen(edited, ([row]) => {
      const { title: called, pinned_facts: pinned, version } = row!;
      const edit = { title: called, pinned_facts: pinned, version };
      return reachRoom(ctx.behind(), conversationId, (room) => room.update(userId, edit));
    }),
  ]);
  return rows[0]!;
}

/** Deletes a conversation; its room and its files go behind. One round trip. @throws not_found */
export async function deleteConversation(ctx: Ctx, userId: number, conversationId: number): Promise<void> {
  await commit(ctx, [
    ctx.db.select({ id: conversations.id }).from(conversations).where(itself(userId, conversationId)).for("update"),
    refuseUnlessAll(ctx.db, { conversation_not_found: isThere(userId, conversationId) }),
    jobRow(ctx, eraseConversation, { conversation_id: conversationId, user_id: userId }, userId),
    ctx.db.delete(conversations).where(itself(userId, conversationId)),
  ]);
}

import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { afterCommit, commit, commitOnce, idOfNew, assertAllInTransaction } from "../../kit/db/commit.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import { eraseConversation } from "../job-definitions.ts";
import {
  minionExists as minionIsThere,
  lockOwnerAndMinion,
  ownMinion as minionItself,
  selectMinions,
  type MinionRow,
} from "../../minions/queries.ts";
import { callRoomRaw } from "../room/client.ts";
import {
  lastActivityAt,
  conversationColumns,
  matchesSearch,
  belowConversationLimit,
  conversationExists,
  ownConversation,
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
      ...lockOwnerAndMinion(ctx, userId, minionId),
      assertAllInTransaction(ctx.db, {
        minion_not_found: minionIsThere(userId, minionId),
        conversation_limit_reached: belowConversationLimit(userId),
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
export type ConversationAndMinion = { conversation: ConversationRow; minion: MinionRow };

/** The conversation with a minion that a program goes on with which names none. One round trip. @throws not_found, conflict */
export async function getOrCreateDirectConversation(
  ctx: Ctx,
  userId: number,
  minionId: number,
): Promise<ConversationAndMinion> {
  const its = and(eq(conversations.minion_id, minionId), eq(conversations.kind, "direct"))!;
  const found = selectConversations(ctx, userId, its);
  const results = await commit(ctx, [
    ...lockOwnerAndMinion(ctx, userId, minionId),
    assertAllInTransaction(ctx.db, {
      minion_not_found: minionIsThere(userId, minionId),
      conversation_limit_reached: sql`exists (${found}) or ${belowConversationLimit(userId)}`,
    }),
    ctx.db.insert(conversations).values({ user_id: userId, minion_id: minionId, kind: "direct" }).onConflictDoNothing(),
    selectConversations(ctx, userId, its),
    selectMinions(ctx, userId, minionItself(userId, minionId)),
  ]);
  return withMinion(results);
}

/** A user's conversation with one of their minions, to be gone on with. One round trip. @throws not_found */
export async function getConversationWithMinion(
  ctx: Ctx,
  userId: number,
  minionId: number,
  conversationId: number,
): Promise<ConversationAndMinion> {
  const its = and(eq(conversations.id, conversationId), eq(conversations.minion_id, minionId))!;
  const found = selectConversations(ctx, userId, its);
  const results = await commit(ctx, [
    assertAllInTransaction(ctx.db, {
      minion_not_found: minionIsThere(userId, minionId),
      conversation_not_found: sql`exists (${found})`,
    }),
    selectConversations(ctx, userId, its),
    selectMinions(ctx, userId, minionItself(userId, minionId)),
  ]);
  return withMinion(results);
}

function withMinion(results: readonly unknown[]): ConversationAndMinion {
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
    q === undefined ? undefined : matchesSearch(userId, q),
  );
  const at = sql<string>`((extract(epoch from ${lastActivityAt}) * 1000000)::bigint)::text`;
  const before =
    cursor &&
    sql`(${lastActivityAt}, ${conversations.id}) < (timestamptz 'epoch' + ${cursor.at}::bigint * interval '1 microsecond', ${cursor.id}::int)`;
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select({ ...conversationColumns, snippet: q === undefined ? sql<null>`null` : snippetOf(userId, q), at })
      .from(conversations)
      .where(and(wanted, before))
      .orderBy(sql`${lastActivityAt} desc`, sql`${conversations.id} desc`)
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
  const its = ownConversation(userId, conversationId);
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
    assertAllInTransaction(ctx.db, {
      conversation_not_found: conversationExists(userId, conversationId),
      ...(seen === undefined ? {} : { version_changed: isSeen }),
    }),
    afterCommit(edited, ([row]) => {
      const { title: called, pinned_facts: pinned, version } = row!;
      const edit = { title: called, pinned_facts: pinned, version };
      return callRoomRaw(ctx.background(), conversationId, (room) => room.update(userId, edit));
    }),
  ]);
  return rows[0]!;
}

/** Deletes a conversation; its room and its files go behind. One round trip. @throws not_found */
export async function deleteConversation(ctx: Ctx, userId: number, conversationId: number): Promise<void> {
  await commit(ctx, [
    ctx.db.select({ id: conversations.id }).from(conversations).where(ownConversation(userId, conversationId)).for("update"),
    assertAllInTransaction(ctx.db, { conversation_not_found: conversationExists(userId, conversationId) }),
    enqueueJob(ctx, eraseConversation, { conversation_id: conversationId, user_id: userId }, userId),
    ctx.db.delete(conversations).where(ownConversation(userId, conversationId)),
  ]);
}

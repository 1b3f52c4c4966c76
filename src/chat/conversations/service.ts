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
  readWebSearch,
  belowConversationLimit,
  belowTemporaryLimit,
  conversationExists,
  ownConversation,
  selectConversations,
  snippetOf,
  type ConversationRow,
} from "../queries.ts";
import type { ConversationChange, ConversationsQuery } from "../schemas.ts";
import { conversations } from "../tables.ts";

/** Creates a conversation with a minion. One round trip. @throws not_found; conflict if the conversation limit is reached */
export async function createConversation(
  ctx: Ctx,
  userId: number,
  minionId: number,
  { title, temporary = false }: { title?: string | undefined; temporary?: boolean } = {},
): Promise<ConversationRow> {
  const titleColumns = title === undefined ? {} : { title, is_title_own: true };
  const results = await commitOnce(
    ctx,
    [
      ...lockOwnerAndMinion(ctx, userId, minionId),
      assertAllInTransaction(ctx.db, {
        minion_not_found: minionIsThere(userId, minionId),
        ...(temporary
          ? { temporary_conversation_limit_reached: belowTemporaryLimit(userId) }
          : { conversation_limit_reached: belowConversationLimit(userId) }),
      }),
      ctx.db
        .insert(conversations)
        .values({ user_id: userId, minion_id: minionId, temporary, ...titleColumns })
        .returning(conversationColumns),
    ],
    idOfNew(conversations),
  );
  return (results.at(-1) as ConversationRow[])[0]!;
}

/** A conversation and its minion. */
export type ConversationAndMinion = { conversation: ConversationRow; minion: MinionRow };

/** The direct conversation with a minion; creates it if needed. One round trip. @throws not_found; conflict if the conversation limit is reached */
export async function getOrCreateDirectConversation(
  ctx: Ctx,
  userId: number,
  minionId: number,
): Promise<ConversationAndMinion> {
  const isDirect = and(eq(conversations.minion_id, minionId), eq(conversations.kind, "direct"))!;
  const found = selectConversations(ctx, userId, isDirect);
  const results = await commit(ctx, [
    ...lockOwnerAndMinion(ctx, userId, minionId),
    assertAllInTransaction(ctx.db, {
      minion_not_found: minionIsThere(userId, minionId),
      conversation_limit_reached: sql`exists (${found}) or ${belowConversationLimit(userId)}`,
    }),
    ctx.db.insert(conversations).values({ user_id: userId, minion_id: minionId, kind: "direct" }).onConflictDoNothing(),
    selectConversations(ctx, userId, isDirect),
    selectMinions(ctx, userId, minionItself(userId, minionId)),
  ]);
  return withMinion(results);
}

/** A user's conversation with one of their minions. One round trip. @throws not_found */
export async function getConversationWithMinion(
  ctx: Ctx,
  userId: number,
  minionId: number,
  conversationId: number,
): Promise<ConversationAndMinion> {
  const isRequested = and(eq(conversations.id, conversationId), eq(conversations.minion_id, minionId))!;
  const found = selectConversations(ctx, userId, isRequested);
  const results = await commit(ctx, [
    assertAllInTransaction(ctx.db, {
      minion_not_found: minionIsThere(userId, minionId),
      conversation_not_found: sql`exists (${found})`,
    }),
    selectConversations(ctx, userId, isRequested),
    selectMinions(ctx, userId, minionItself(userId, minionId)),
  ]);
  return withMinion(results);
}

function withMinion(results: readonly unknown[]): ConversationAndMinion {
  const [[conversation], [minion]] = results.slice(-2) as [ConversationRow[], MinionRow[]];
  return { conversation: conversation!, minion: minion! };
}

/** A listed conversation. A search adds an excerpt of a matching message. */
export type ListedConversation = ConversationRow & { snippet: string | null };

/** Lists a user's conversations, without temporary ones, by last activity, newest first, with the total number. One round trip. */
export async function listConversations(
  ctx: Ctx,
  userId: number,
  { limit, cursor, minion_id, q }: ConversationsQuery,
): Promise<{ conversations: ListedConversation[]; total: number; next_cursor?: string }> {
  const search = q === undefined ? undefined : await readWebSearch(q);
  const wanted = and(
    eq(conversations.user_id, userId),
    eq(conversations.temporary, false),
    minion_id === undefined ? undefined : eq(conversations.minion_id, minion_id),
    search && matchesSearch(userId, search),
  );
  const at = sql<string>`((extract(epoch from ${lastActivityAt}) * 1000000)::bigint)::text`;
  const before =
    cursor &&
    sql`(${lastActivityAt}, ${conversations.id}) < (timestamptz 'epoch' + ${cursor.at}::bigint * interval '1 microsecond', ${cursor.id}::int)`;
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select({ ...conversationColumns, snippet: search === undefined ? sql<null>`null` : snippetOf(userId, search), at })
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
 * Edits a conversation. Its room is updated after the commit, in the background; if that fails, it reads the edit from Postgres later.
 * One round trip.
 * @param expectedVersion the version that the client edited; undefined for any
 * @throws not_found, precondition_failed
 */
export async function changeConversation(
  ctx: Ctx,
  userId: number,
  conversationId: number,
  { title, pinned_facts }: ConversationChange,
  expectedVersion: number | undefined,
): Promise<ConversationRow> {
  const isRequested = ownConversation(userId, conversationId);
  const changes = {
    ...(title === undefined ? {} : { title }),
    ...(pinned_facts === undefined ? {} : { pinned_facts }),
  };
  const isExpected = sql`(select ${conversations.version} from ${conversations} where ${isRequested}) = ${expectedVersion}`;
  const edited = ctx.db
    .update(conversations)
    .set({
      ...changes,
      ...(title === undefined ? {} : { is_title_own: true }),
      version: sql`${conversations.version} + 1`,
      updated_at: sql`now()`,
    })
    .where(isRequested)
    .returning(conversationColumns);
  const [, , rows] = await commit(ctx, [
    ctx.db.select({ id: conversations.id }).from(conversations).where(isRequested).for("no key update"),
    assertAllInTransaction(ctx.db, {
      conversation_not_found: conversationExists(userId, conversationId),
      ...(expectedVersion === undefined ? {} : { version_changed: isExpected }),
    }),
    afterCommit(edited, ([row]) => {
      const edit = { title: row!.title, pinned_facts: row!.pinned_facts, version: row!.version };
      return callRoomRaw(ctx.background(), conversationId, (room) => room.update(userId, edit));
    }),
  ]);
  return rows[0]!;
}

/** Deletes a conversation. A job erases its room and files. One round trip. @throws not_found */
export async function deleteConversation(ctx: Ctx, userId: number, conversationId: number): Promise<void> {
  await commit(ctx, [
    ctx.db.select({ id: conversations.id }).from(conversations).where(ownConversation(userId, conversationId)).for("update"),
    assertAllInTransaction(ctx.db, { conversation_not_found: conversationExists(userId, conversationId) }),
    enqueueJob(ctx, eraseConversation, { conversation_id: conversationId, user_id: userId }, userId),
    ctx.db.delete(conversations).where(ownConversation(userId, conversationId)),
  ]);
}

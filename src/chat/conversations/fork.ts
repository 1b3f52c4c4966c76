import { and, eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commitOnce, idOfNew, assertAllInTransaction } from "../../kit/db/commit.ts";
import { lockOwnerAndMinion } from "../../minions/queries.ts";
import { maxMessageOrdinal } from "../constants.ts";
import { callerOf, callRoom } from "../room/client.ts";
import {
  getConversation,
  belowConversationLimit,
  conversationExists,
  selectConversations,
  type ConversationRow,
} from "../queries.ts";
import { deleteConversation } from "./service.ts";
import { conversations, messages } from "../tables.ts";

const perConversation = sql.raw(String(maxMessageOrdinal));

/** The message at which a conversation is forked. */
export type ForkPoint = { conversationId: number; messageId: number };

/**
 * Forks a conversation at a message. The original stays unchanged. One Postgres round trip.
 * @throws not_found; conflict if the conversation limit is reached, or the conversation is temporary; realtime_unavailable
 */
export async function forkConversation(ctx: Ctx, userId: number, from: ForkPoint): Promise<ConversationRow> {
  await callRoom(ctx, from.conversationId, (room) => room.read(callerOf(ctx, userId), from.messageId));
  const conversation = await insertFork(ctx, userId, from);
  try {
    await forkRoom(ctx, userId, from, conversation.id);
  } catch (error) {
    // With an Idempotency-Key, the client repeats the request, which completes the fork.
    if (ctx.guard === undefined) await deleteConversation(ctx, userId, conversation.id);
    throw error;
  }
  return conversation;
}

/** The result of an earlier fork request; completes the fork if needed. One Postgres round trip. @throws not_found, realtime_unavailable */
export async function recallFork(ctx: Ctx, userId: number, from: ForkPoint, into: number): Promise<ConversationRow> {
  const conversation = await getConversation(ctx, userId, into);
  await forkRoom(ctx, userId, from, into);
  return conversation;
}

function forkRoom(ctx: Ctx, userId: number, { conversationId, messageId }: ForkPoint, into: number): Promise<unknown> {
  return callRoom(ctx, conversationId, (room) => room.fork(callerOf(ctx, userId), messageId, into));
}

async function insertFork(ctx: Ctx, userId: number, { conversationId, messageId }: ForkPoint): Promise<ConversationRow> {
  const newId = sql`currval(pg_get_serial_sequence('conversations', 'id'))::int`;
  const results = await commitOnce(
    ctx,
    [
      ...lockOwnerAndMinion(ctx, userId),
      assertAllInTransaction(ctx.db, {
        conversation_not_found: conversationExists(userId, conversationId),
        conversation_temporary: sql`exists (${selectConversations(ctx, userId, and(eq(conversations.id, conversationId), eq(conversations.temporary, false)))})`,
        conversation_limit_reached: belowConversationLimit(userId),
      }),
      ctx.db.execute(sql`
        insert into ${conversations}
          (user_id, minion_id, title, is_title_own, pinned_facts, forked_from_message_id, message_count, last_message_at)
        select user_id, minion_id, title, is_title_own, pinned_facts, ${messageId}::bigint, shown.count, shown.last_at
        from ${conversations}, (${shownUpTo(conversationId, messageId)}) shown where ${conversations.id} = ${conversationId}`),
      selectConversations(ctx, userId, sql`${conversations.id} = ${newId}`),
    ],
    idOfNew(conversations),
  );
  return (results.at(-1) as ConversationRow[])[0]!;
}

/** The query of the origins of a conversation, nearest first. It ends at the first deleted one. */
export function originsOf(userId: number, conversationId: number): SQL {
  const origin = sql`${conversations.forked_from_message_id} / ${perConversation}`;
  const forked = sql`${eq(conversations.user_id, userId)} and ${conversations.forked_from_message_id} is not null`;
  return sql`
    with recursive line (id, distance) as (
      select ${origin}, 1 from ${conversations} where ${conversations.id} = ${conversationId} and ${forked}
      union all
      select ${origin}, distance + 1 from line join ${conversations} on ${conversations.id} = line.id where ${forked}
    )
    select id::int from line order by distance`;
}

/** The number of visible messages up to a message, and the time of the last one, including messages of the origins. */
function shownUpTo(conversationId: number, messageId: number): SQL {
  return sql`
    with recursive line (id, up_to, forked_from, as_of) as (
      select id, ${messageId}::bigint, forked_from_message_id, now() from ${conversations} where id = ${conversationId}
      union all
      select parent.id, least(line.up_to, line.forked_from), parent.forked_from_message_id, child.created_at
      from line join ${conversations} child on child.id = line.id join ${conversations} parent on parent.id = line.forked_from / ${perConversation}
    )
    select count(*)::int as count, max(coalesce(said.completed_at, said.created_at)) as last_at
    from line join ${messages} said on said.conversation_id = line.id and said.id <= line.up_to
      and (said.removed_at is null or said.removed_at > line.as_of)`;
}

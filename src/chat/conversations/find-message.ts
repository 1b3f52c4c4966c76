import { and, gte, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import type { FoundMessage } from "../../hook-types.ts";
import { AppError } from "../../kit/errors.ts";
import { conversationOf, toMessageId } from "../constants.ts";
import { selectConversations } from "../queries.ts";
import { callerOf, callRoom } from "../room/client.ts";
import { conversations } from "../tables.ts";

/** The highest ID of a conversation: an `integer` of Postgres. */
const maxConversationId = 2_147_483_647;

/** Forks that are asked for a message that its conversation no longer has. */
const maxForks = 5;

/**
 * Finds a message of a user in its conversation, or in a fork that still has it. The room is asked: Postgres learns of a message when its
 * turn is over. @throws realtime_unavailable
 */
export async function findMessage(ctx: Ctx, userId: number, messageId: number): Promise<FoundMessage | undefined> {
  const conversationId = conversationOf(messageId);
  if (conversationId < 1 || conversationId > maxConversationId) return undefined;
  const found = await findIn(ctx, userId, conversationId, messageId);
  if (found !== undefined) return found;
  const { id, forked_from_message_id } = conversations;
  const hasMessage = and(
    gte(forked_from_message_id, messageId),
    sql`${forked_from_message_id} < ${toMessageId(conversationId + 1, 0)}`,
  );
  const forks = await selectConversations(ctx, userId, hasMessage)
    .orderBy(sql`${id} desc`)
    .limit(maxForks);
  for (const fork of forks) {
    const inFork = await findIn(ctx, userId, fork.id, messageId);
    if (inFork !== undefined) return inFork;
  }
  return undefined;
}

async function findIn(ctx: Ctx, userId: number, conversationId: number, messageId: number): Promise<FoundMessage | undefined> {
  try {
    return await callRoom(ctx, conversationId, (room) => room.find(callerOf(ctx, userId), messageId));
  } catch (error) {
    if (error instanceof AppError && error.code === "not_found") return undefined;
    throw error;
  }
}

import { and, eq, getTableColumns, inArray } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { deleteUserRooms, deleteConversationJobs } from "./conversations/erase.ts";
import { selectConversations } from "./queries.ts";
import { conversations, messages } from "./tables.ts";

export { deleteConversationJobs as onMinionsDeleted };
export { findMessage } from "./conversations/find-message.ts";

const resourceName = /^conversation:([1-9]\d{0,8})$/;

/** Whether a user owns this conversation and may open its socket. One round trip. */
export function ownsResource(ctx: Ctx, userId: number, resource: string): Promise<boolean> | undefined {
  const [, id] = resourceName.exec(resource) ?? [];
  if (id === undefined) return undefined;
  return selectConversations(ctx, userId, eq(conversations.id, Number(id))).then((rows) => rows.length > 0);
}

/** The stored data of a user, without files and temporary conversations. Files are available from their conversations. */
export function exportUser({ db }: Ctx, userId: number): Record<string, Statement> {
  const { search: _search, terms: _terms, ...columns } = getTableColumns(messages);
  const kept = and(eq(conversations.user_id, userId), eq(conversations.temporary, false));
  const ids = db.select({ id: conversations.id }).from(conversations).where(kept);
  const inKept = and(eq(messages.user_id, userId), inArray(messages.conversation_id, ids));
  return {
    conversations: db.select().from(conversations).where(kept).orderBy(conversations.id),
    messages: db.select(columns).from(messages).where(inKept).orderBy(messages.id),
  };
}

/** Erases the rooms and deletes the files. The rows are deleted with the user's minions. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await deleteUserRooms(ctx, userId);
  return [];
}

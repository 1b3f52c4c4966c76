import { and, eq, sql, type SQL } from "drizzle-orm";
import type * as z from "zod";
import { mapLimited } from "../../kit/async/map-limited.ts";
import type { Ctx } from "../../context.ts";
import { deleteByPrefix } from "../../kit/storage/r2.ts";
import { enqueueJobsFrom } from "../../kit/queue/outbox.ts";
import { failedJobs, outbox } from "../../kit/db/tables.ts";
import { eraseConversation } from "../job-definitions.ts";
import { callRoomRaw } from "../room/client.ts";
import { filesOf, filesOfUser } from "../room/attachment-keys.ts";
import { conversations } from "../tables.ts";

/** Empties the room of a conversation whose row is gone, and deletes its files. May run twice. @throws realtime_unavailable, files_unavailable */
export async function deleteRoom(
  ctx: Ctx,
  { conversation_id, user_id }: z.output<(typeof eraseConversation)["payload"]>,
): Promise<void> {
  await callRoomRaw(ctx, conversation_id, (room) => room.erase());
  await deleteByPrefix(ctx.env.FILES, filesOf(user_id, conversation_id));
}

/** The query that asks for the erasure of all conversations of minions; `gone` is a query of their numbers. */
export function deleteConversationJobs(ctx: Ctx, gone: SQL): SQL {
  return enqueueJobsFrom(
    ctx,
    eraseConversation,
    sql`select ${payload}, ${conversations.user_id} from ${conversations} where ${conversations.minion_id} in (${gone})`,
  );
}

const payload = sql`jsonb_build_object('conversation_id', ${conversations.id}, 'user_id', ${conversations.user_id})`;

/** How many rooms are erased at once: an invocation has six connections. */
const atOnce = 5;

/** Erases all rooms that a user has or had, those among them whose erasure is still asked for, and all files. May run twice. */
export async function deleteUserRooms(ctx: Ctx, userId: number): Promise<void> {
  const asked = (jobs: typeof outbox | typeof failedJobs) => sql`
    select (${jobs.payload} ->> 'conversation_id')::int from ${jobs}
    where ${and(eq(jobs.user_id, userId), eq(jobs.name, eraseConversation.name))}`;
  const { rows } = await ctx.db.execute<{ id: number }>(sql`
    select ${conversations.id} as id from ${conversations} where ${eq(conversations.user_id, userId)}
    union ${asked(outbox)} union ${asked(failedJobs)}`);
  await mapLimited(atOnce, rows, ({ id }) => callRoomRaw(ctx, id, (room) => room.erase()));
  await deleteByPrefix(ctx.env.FILES, filesOfUser(userId));
}

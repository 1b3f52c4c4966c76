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

/** Erases the room of a deleted conversation, and deletes its files. Idempotent. @throws realtime_unavailable, files_unavailable */
export async function deleteRoom(
  ctx: Ctx,
  { conversation_id, user_id }: z.output<(typeof eraseConversation)["payload"]>,
): Promise<void> {
  await callRoomRaw(ctx, conversation_id, (room) => room.erase());
  await deleteByPrefix(ctx.env.FILES, filesOf(user_id, conversation_id));
}

/** The query that enqueues the erasure of all conversations of minions. `minionIds` is a query of their IDs. */
export function deleteConversationJobs(ctx: Ctx, minionIds: SQL): SQL {
  return enqueueJobsFrom(
    ctx,
    eraseConversation,
    sql`select ${payload}, ${conversations.user_id} from ${conversations} where ${conversations.minion_id} in (${minionIds})`,
  );
}

const payload = sql`jsonb_build_object('conversation_id', ${conversations.id}, 'user_id', ${conversations.user_id})`;

/** Rooms that are erased at once: a Worker invocation has six connections. */
const eraseConcurrency = 5;

/** Erases all rooms of a user, including rooms with a pending erasure, and deletes all files. Idempotent. */
export async function deleteUserRooms(ctx: Ctx, userId: number): Promise<void> {
  const pendingErasures = (jobs: typeof outbox | typeof failedJobs) => sql`
    select (${jobs.payload} ->> 'conversation_id')::int from ${jobs}
    where ${and(eq(jobs.user_id, userId), eq(jobs.name, eraseConversation.name))}`;
  const { rows } = await ctx.db.execute<{ id: number }>(sql`
    select ${conversations.id} as id from ${conversations} where ${eq(conversations.user_id, userId)}
    union ${pendingErasures(outbox)} union ${pendingErasures(failedJobs)}`);
  await mapLimited(eraseConcurrency, rows, ({ id }) => callRoomRaw(ctx, id, (room) => room.erase()));
  await deleteByPrefix(ctx.env.FILES, filesOfUser(userId));
}

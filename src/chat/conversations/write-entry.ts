import type * as z from "zod";
import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import type { writeSetAsideEntry } from "../job-definitions.ts";
import { callerOf, callRoom } from "../room/client.ts";

/**
 * Lets a room write an entry that it set aside. Nothing is left to do if the entry was written, or if the conversation was deleted.
 * @throws conflict if Postgres still refuses the entry; realtime_unavailable
 */
export async function writeEntry(
  ctx: Ctx,
  { conversation_id, user_id, entry_id }: z.output<(typeof writeSetAsideEntry)["payload"]>,
): Promise<void> {
  try {
    await callRoom(ctx, conversation_id, (room) => room.writeSetAside(callerOf(ctx, user_id), entry_id));
  } catch (error) {
    if (!(error instanceof AppError && error.code === "not_found")) throw error;
  }
}

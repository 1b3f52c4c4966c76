import type { Ctx } from "../../context.ts";
import { mapLimited } from "../../kit/async/map-limited.ts";
import { log } from "../../kit/log.ts";
import { callHub } from "../../notifications/hub-client.ts";
import type { ConversationRow } from "../queries.ts";
import { callRoomRaw } from "../room/client.ts";

/** Rooms that are asked at once. */
const concurrency = 5;

/** A conversation with the state of its room. Null: the room is unavailable. */
export type WithActivity<Row> = Row & { is_answering: boolean | null };

/** A conversation as its room has it: Postgres learns of a turn when the turn is over. */
export async function withActivity<Row extends ConversationRow>(
  ctx: Ctx,
  userId: number,
  row: Row,
): Promise<WithActivity<Row>> {
  try {
    const { is_answering, changed_at } = await callRoomRaw(ctx, row.id, (room) => room.activity(userId));
    const updated_at = new Date(Math.max(row.updated_at.getTime(), changed_at ?? 0));
    return { ...row, updated_at, is_answering };
  } catch (error) {
    log("warn", "A conversation did not report its activity.", { request_id: ctx.requestId, error });
    return { ...row, is_answering: null };
  }
}

/** The same for several conversations. Only the rooms that had a turn or a device lately are called. */
export async function withActivities<Row extends ConversationRow>(
  ctx: Ctx,
  userId: number,
  rows: readonly Row[],
): Promise<WithActivity<Row>[]> {
  if (rows.length === 0) return [];
  const active = await activeRooms(ctx, userId);
  return mapLimited(concurrency, rows, async (row) => {
    if (active === undefined) return { ...row, is_answering: null };
    return active.has(String(row.id)) ? withActivity(ctx, userId, row) : { ...row, is_answering: false };
  });
}

/** The names of the user's rooms that had a turn or a device lately; undefined if the hub is unavailable. */
async function activeRooms(ctx: Ctx, userId: number): Promise<ReadonlySet<string> | undefined> {
  try {
    return new Set(await callHub(ctx, userId, (hub) => hub.activeRooms()));
  } catch (error) {
    log("warn", "A user's hub did not list the active conversations.", { request_id: ctx.requestId, error });
    return undefined;
  }
}

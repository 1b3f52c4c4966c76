import type { TurnRuntime } from "../../agent/turn/active-turn.ts";
import type { Ctx } from "../../context.ts";
import type { Tool } from "../../tools/tool.ts";
import type { RoomFrame } from "../protocol.ts";

/** What a room provides to its conversation and to the turn that runs in it. */
export type RoomRuntime = Omit<TurnRuntime, "publish"> & {
  storage: DurableObjectStorage;
  env: Cloudflare.Env;
  /** The id of the conversation. */
  id(): number;
  /** @param requestId the ID of the request that called the room. Default: a new ID */
  context(requestId?: string): Ctx;
  /** The tools that turns can call. */
  tools(): readonly Tool[];
  publish(frame: Exclude<RoomFrame, { from_seq: number }>): void;
  lastSeq(): number;
  /** The persisted frames after a number; undefined if some are no longer stored. */
  framesAfter(seq: number): { type: string; message_id?: unknown }[] | undefined;
  /** Sets the alarm, unless an earlier one is set. */
  scheduleAlarm(at: number): void;
  /** Deletes everything that the room holds. */
  erase(): Promise<void>;
};

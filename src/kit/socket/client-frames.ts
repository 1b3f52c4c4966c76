import { Buffer } from "node:buffer";
import * as z from "zod";

/** Frames from the clients of a room. */

/** The largest message, in bytes. */
const maxBytes = 64 * 1024;

const ClientFrame = z.looseObject({ type: z.string() });
const Ack = z.object({ type: z.literal("ack"), seq: z.int().min(0) });

/** Parses a message: a JSON object with a `type`; undefined if it is invalid or too large. */
export function readFrame(message: string | ArrayBuffer | ArrayBufferView): z.output<typeof ClientFrame> | undefined {
  if (typeof message !== "string" || Buffer.byteLength(message) > maxBytes) return undefined;
  try {
    return ClientFrame.parse(JSON.parse(message));
  } catch {
    return undefined;
  }
}

/** The `seq` of an acknowledgement; undefined for other frames. */
export function ackedBy(frame: { type: string } | undefined): number | undefined {
  return frame?.type === "ack" ? Ack.safeParse(frame).data?.seq : undefined;
}

/** The maximum of messages that a socket may send in a period of milliseconds. */
export type RateSettings = { rateMessages: number; rateMs: number };

/** Counts the messages of sockets, in memory: before hibernation there were no messages for a while. */
export class MessageRate {
  readonly #counts = new WeakMap<object, { since: number; messages: number }>();

  /** Counts a message. @returns whether its socket exceeds the rate */
  isExceeded(socket: object, { rateMessages, rateMs }: RateSettings, now = Date.now()): boolean {
    let count = this.#counts.get(socket);
    if (count === undefined || now - count.since >= rateMs) this.#counts.set(socket, (count = { since: now, messages: 0 }));
    count.messages += 1;
    return count.messages > rateMessages;
  }
}

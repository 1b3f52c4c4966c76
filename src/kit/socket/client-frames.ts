import { Buffer } from "node:buffer";
import * as z from "zod";

/** What clients of a room say. */

/** The largest message, in bytes. */
const maxBytes = 64 * 1024;

const ClientFrame = z.looseObject({ type: z.string() });
const Ack = z.object({ type: z.literal("ack"), seq: z.int().min(0) });

/** What a message says: an object of JSON with a `type`, or undefined where it says something else, or too much. */
export function readFrame(message: string | ArrayBuffer | ArrayBufferView): z.output<typeof ClientFrame> | undefined {
  if (typeof message !== "string" || Buffer.byteLength(message) > maxBytes) return undefined;
  try {
    return ClientFrame.parse(JSON.parse(message));
  } catch {
    return undefined;
  }
}

/** Up to which frame a client has read, if that is what it says. */
export function ackedBy(frame: { type: string } | undefined): number | undefined {
  return frame?.type === "ack" ? Ack.safeParse(frame).data?.seq : undefined;
}

/** How many messages a socket may send within a time in milliseconds. */
export type RateSettings = { rateMessages: number; rateMs: number };

/** Counts the messages of sockets. In memory: an object that hibernates has not heard any for long. */
export class MessageRate {
  readonly #counts = new WeakMap<object, { since: number; messages: number }>();

  /** Counts a message. @returns whether its socket sent too many */
  isExceeded(socket: object, { rateMessages, rateMs }: RateSettings, now = Date.now()): boolean {
    let count = this.#counts.get(socket);
    if (count === undefined || now - count.since >= rateMs) this.#counts.set(socket, (count = { since: now, messages: 0 }));
    count.messages += 1;
    return count.messages > rateMessages;
  }
}

import { Buffer } from "node:buffer";
import * as z from "zod";
import { textFaults } from "../db/text.ts";
import { AppError, unexpectedError, type ValidationIssue } from "../errors.ts";
import { JsonError, parseJson } from "../json.ts";

/** Frames from the clients of a room. */

/** The largest message, in bytes. */
const maxBytes = 64 * 1024;

const Ack = z.object({ type: z.literal("ack"), seq: z.int().min(0) });

/** A frame from a client: a JSON object with a `type`. */
export type ClientFrame = { type: string } & Record<string, unknown>;

/** The error frame for a message that is not accepted. `errors` are those of problem details. */
export type FrameError = {
  type: "error";
  code: "malformed_frame" | "unknown_frame";
  detail: string;
  errors: ValidationIssue[];
};

/** A parsed message: a frame, the `seq` of an acknowledgement, or the faults of a malformed message. */
type ReadMessage = { frame: ClientFrame } | { acked: number } | { faults: ValidationIssue[] };

/** Parses a message. A frame has the text that a request may have. */
export function readFrame(message: string | ArrayBuffer | ArrayBufferView): ReadMessage {
  const refuse = (fault: string, path = "") => ({ faults: [{ path, in: "body" as const, message: fault }] });
  if (typeof message !== "string") return refuse("must be text, not binary");
  if (Buffer.byteLength(message) > maxBytes) return refuse(`must have at most ${maxBytes} bytes`);
  try {
    const value = parseJson(message);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse("must be a JSON object");
    if (!("type" in value)) return refuse("is required", "type");
    if (typeof value.type !== "string") return refuse("must be a string", "type");
    if (value.type === "ack") {
      const { data } = Ack.safeParse(value);
      return data === undefined ? refuse("must be a whole number of at least 0", "seq") : { acked: data.seq };
    }
    const faults = textFaults(value, "body");
    return faults.length > 0 ? { faults } : { frame: value as ClientFrame };
  } catch (error) {
    if (error instanceof JsonError) return refuse(error.message, error.path);
    throw error;
  }
}

/** The error frame for a malformed message. */
export function malformedFrame(faults: readonly ValidationIssue[]): FrameError {
  const detail = faults
    .map(({ path, message }) => (path === "" ? `The message ${message}.` : `${path}: ${message}.`))
    .join(" ");
  return { type: "error", code: "malformed_frame", detail, errors: [...faults] };
}

/** The error frame for a message of an unknown type. @param types the types that the socket accepts, besides `ack` */
export function unknownFrame(types: readonly string[]): FrameError {
  const message = `must be one of: ${["ack", ...types].join(", ")}`;
  return { type: "error", code: "unknown_frame", detail: `type: ${message}.`, errors: [{ path: "type", in: "body", message }] };
}

/** The error frame for a request that failed. An unexpected error keeps its message from the client. */
export function errorFrame(error: unknown) {
  const failure = error instanceof AppError ? error : unexpectedError(error);
  const { code, message: detail, issues: errors } = failure;
  return { type: "error", code, detail, ...(errors.length > 0 ? { errors } : {}) };
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

import { Buffer } from "node:buffer";
import { AppError } from "../../kit/errors.ts";
import { closeCodes } from "../../kit/socket/close-codes.ts";
import type { RoomFrameOrSnapshot } from "./ui-message-stream.ts";

/** The WebSocket methods that the client uses. */
export type ClientSocket = Pick<WebSocket, "accept" | "send" | "close" | "addEventListener">;

/** Opens a socket that receives all frames after `after`, or a snapshot if it is undefined. @throws the error of the room */
export type Connect = (after: number | undefined) => Promise<ClientSocket>;

/** A received frame with its sequence number. */
export type ReceivedFrame = RoomFrameOrSnapshot & { seq: number };

/** The connection to the room has ended. `message` is shown to users. */
export class RoomDisconnectedError extends Error {
  override readonly name = "RoomDisconnectedError";
}

/** How much is read before it is acknowledged. The room waits for acknowledgements at 1,024 frames or 128 KiB. */
const ackAfterFrames = 64;
const ackAfterBytes = 64 * 1024;

/** Minimum time between acknowledgements, in ms: a room accepts 60 messages in 10 s. */
const ackEveryMs = 250;

/** The delay before each reconnect attempt, in ms. */
const reconnectDelaysMs = [0, 250, 1_000, 4_000];

/** The messages of close codes after which the client does not reconnect. */
const closeMessages: Readonly<Record<number, string>> = {
  [closeCodes.revoked]: "This session was revoked. Sign in again.",
  [closeCodes.erased]: "This conversation was deleted.",
};

/** A WebSocket client of a room. It reads one frame at a time, acknowledges them for backpressure, and reconnects. */
export class RoomSocketClient {
  readonly #connect: Connect;
  #socket: ClientSocket | undefined;
  #after: number | undefined;
  #queue: { frame: ReceivedFrame; bytes: number }[] = [];
  /** Frames and bytes that were read and not acknowledged. */
  #unacked = { frames: 0, bytes: 0 };
  #ackedAt = -Infinity;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #reconnectDelays = [...reconnectDelaysMs];
  #closeMessage: string | undefined;
  #isClosed = false;
  #wake = () => {};

  private constructor(connect: Connect, after: number | undefined) {
    this.#connect = connect;
    this.#after = after;
  }

  /** @throws the error of the room */
  static async open(connect: Connect, after: number | undefined): Promise<RoomSocketClient> {
    const client = new RoomSocketClient(connect, after);
    client.#attach(await connect(after));
    return client;
  }

  /** The next frame; undefined after `close`. @throws RoomDisconnectedError; the error of the room on a reconnect */
  async next(): Promise<ReceivedFrame | undefined> {
    this.#acknowledge();
    for (;;) {
      if (this.#isClosed) return undefined;
      const received = this.#queue.shift();
      if (received !== undefined) {
        // Only progress resets the attempts: a room may fail after each connect.
        if (received.frame.seq > (this.#after ?? -1)) this.#reconnectDelays = [...reconnectDelaysMs];
        this.#after = received.frame.seq;
        this.#unacked = { frames: this.#unacked.frames + 1, bytes: this.#unacked.bytes + received.bytes };
        return received.frame;
      }
      if (this.#socket === undefined) await this.#reconnect();
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#ackTimer);
    this.#disconnect();
  }

  #attach(socket: ClientSocket): void {
    this.#socket = socket;
    this.#unacked = { frames: 0, bytes: 0 };
    const isCurrent = () => this.#socket === socket;
    socket.addEventListener("message", ({ data }) => {
      if (!isCurrent() || typeof data !== "string") return;
      this.#queue.push(...framesIn(data));
      this.#wake();
    });
    socket.addEventListener("close", ({ code }) => {
      if (!isCurrent()) return;
      this.#closeMessage = closeMessages[code];
      this.#disconnect();
    });
    socket.addEventListener("error", () => {
      if (isCurrent()) this.#disconnect();
    });
    socket.accept();
  }

  async #reconnect(): Promise<void> {
    if (this.#closeMessage !== undefined) throw new RoomDisconnectedError(this.#closeMessage);
    const delay = this.#reconnectDelays.shift();
    if (delay === undefined) throw new RoomDisconnectedError("Lost the connection to the conversation. Try again.");
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    if (this.#isClosed) return;
    try {
      const socket = await this.#connect(this.#after);
      this.#attach(socket);
      if (this.#isClosed) this.#disconnect();
    } catch (error) {
      if (error instanceof AppError && !error.retryable && error.status < 500) throw error;
    }
  }

  #disconnect(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    try {
      socket?.close();
    } catch {
      // The socket is already closed.
    }
    this.#wake();
  }

  /** Acknowledges the frames that were read, now or after the minimum time. */
  #acknowledge(): void {
    const { frames, bytes } = this.#unacked;
    if (this.#socket === undefined || (frames < ackAfterFrames && bytes < ackAfterBytes)) return;
    const wait = this.#ackedAt + ackEveryMs - Date.now();
    clearTimeout(this.#ackTimer);
    if (wait > 0) {
      this.#ackTimer = setTimeout(() => this.#acknowledge(), wait);
      return;
    }
    this.#ackedAt = Date.now();
    this.#unacked = { frames: 0, bytes: 0 };
    this.#socket.send(JSON.stringify({ type: "ack", seq: this.#after }));
  }
}

/** The frames of a WebSocket message: one, or several in a `frames` message. */
function framesIn(text: string): { frame: ReceivedFrame; bytes: number }[] {
  const message = JSON.parse(text) as ReceivedFrame | { type: "frames"; seq: number; frames: ReceivedFrame[] };
  const bytes = Buffer.byteLength(text);
  if (message.type !== "frames") return [{ frame: message, bytes }];
  return message.frames.map((frame, index) => ({ frame, bytes: index === 0 ? bytes : 0 }));
}

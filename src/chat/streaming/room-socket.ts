import { Buffer } from "node:buffer";
import { AppError } from "../../kit/errors.ts";
import { closeCodes } from "../../kit/socket/close-codes.ts";
import type { RoomFrameOrSnapshot } from "./ui-message-stream.ts";

/** A socket as a line uses it. */
export type ClientSocket = Pick<WebSocket, "accept" | "send" | "close" | "addEventListener">;

/** Asks the room for a socket on which everything after a frame is told; how things stand, where none is named. @throws its refusal */
export type Connect = (after: number | undefined) => Promise<ClientSocket>;

/** What a room said, and up to which number it has told all now. */
export type ReceivedFrame = RoomFrameOrSnapshot & { seq: number };

/** The room cannot be heard any more: `message` says why, to people. */
export class RoomDisconnectedError extends Error {
  override readonly name = "LineEnded";
}

/** How much is read until it is acknowledged: a conversation waits for that at 1,024 frames or 128 KiB. */
const unreadFrames = 64;
const unreadBytes = 64 * 1024;

/** Milliseconds between two acknowledgements: a room takes 60 messages in 10 s. */
const ackEveryMs = 250;

/** Milliseconds before each try to be connected again; then it is given up. */
const reconnectDelaysMs = [0, 250, 1_000, 4_000];

/** What a room means by closing a socket that is not to come back. */
const closeMessages: Readonly<Record<number, string>> = {
  [closeCodes.revoked]: "This session was revoked. Sign in again.",
  [closeCodes.erased]: "This conversation was deleted.",
};

/** The socket of a Worker to a room: it is read one frame at a time, so that the room sends no faster, and connected anew where it breaks. */
export class RoomSocketClient {
  readonly #dial: Connect;
  #socket: ClientSocket | undefined;
  #after: number | undefined;
  #heard: { frame: ReceivedFrame; bytes: number }[] = [];
  /** What was read and not acknowledged. */
  #unread = { frames: 0, bytes: 0 };
  #ackedAt = -Infinity;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #triesLeft = [...reconnectDelaysMs];
  #farewell: string | undefined;
  #isClosed = false;
  #wake = () => {};

  private constructor(dial: Connect, after: number | undefined) {
    this.#dial = dial;
    this.#after = after;
  }

  /** @throws the room's refusal */
  static async open(dial: Connect, after: number | undefined): Promise<RoomSocketClient> {
    const line = new RoomSocketClient(dial, after);
    line.#attach(await dial(after));
    return line;
  }

  /** The next frame; undefined once the line is closed. @throws LineEnded, or the room's refusal where it was connected anew */
  async next(): Promise<ReceivedFrame | undefined> {
    this.#acknowledge();
    for (;;) {
      if (this.#isClosed) return undefined;
      const heard = this.#heard.shift();
      if (heard !== undefined) {
        // Trying again is bounded by progress: a room may fall at each greeting.
        if (heard.frame.seq > (this.#after ?? -1)) this.#triesLeft = [...reconnectDelaysMs];
        this.#after = heard.frame.seq;
        this.#unread = { frames: this.#unread.frames + 1, bytes: this.#unread.bytes + heard.bytes };
        return heard.frame;
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
    this.#unread = { frames: 0, bytes: 0 };
    const isCurrent = () => this.#socket === socket;
    socket.addEventListener("message", ({ data }) => {
      if (!isCurrent() || typeof data !== "string") return;
      this.#heard.push(...framesIn(data));
      this.#wake();
    });
    socket.addEventListener("close", ({ code }) => {
      if (!isCurrent()) return;
      this.#farewell = closeMessages[code];
      this.#disconnect();
    });
    socket.addEventListener("error", () => {
      if (isCurrent()) this.#disconnect();
    });
    socket.accept();
  }

  async #reconnect(): Promise<void> {
    if (this.#farewell !== undefined) throw new RoomDisconnectedError(this.#farewell);
    const delay = this.#triesLeft.shift();
    if (delay === undefined) throw new RoomDisconnectedError("Lost the connection to the conversation. Try again.");
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    if (this.#isClosed) return;
    try {
      const socket = await this.#dial(this.#after);
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
      // It is gone already.
    }
    this.#wake();
  }

  /** Tells the room how far it was read, now or as soon as it may. */
  #acknowledge(): void {
    const { frames, bytes } = this.#unread;
    if (this.#socket === undefined || (frames < unreadFrames && bytes < unreadBytes)) return;
    const wait = this.#ackedAt + ackEveryMs - Date.now();
    clearTimeout(this.#ackTimer);
    if (wait > 0) {
      this.#ackTimer = setTimeout(() => this.#acknowledge(), wait);
      return;
    }
    this.#ackedAt = Date.now();
    this.#unread = { frames: 0, bytes: 0 };
    this.#socket.send(JSON.stringify({ type: "ack", seq: this.#after }));
  }
}

/** What a message of a room holds: a frame, or several at once. */
function framesIn(text: string): { frame: ReceivedFrame; bytes: number }[] {
  const said = JSON.parse(text) as ReceivedFrame | { type: "frames"; seq: number; frames: ReceivedFrame[] };
  const bytes = Buffer.byteLength(text);
  if (said.type !== "frames") return [{ frame: said, bytes }];
  return said.frames.map((frame, index) => ({ frame, bytes: index === 0 ? bytes : 0 }));
}

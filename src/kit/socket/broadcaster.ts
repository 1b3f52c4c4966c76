import { Buffer } from "node:buffer";
import { withTimeout } from "../async/timeout.ts";
import type { FrameLog, LoggedFrame } from "./frame-log.ts";
import { log } from "../log.ts";
import { recordAck, recordSent, type SocketPositions } from "./socket-positions.ts";
import type { SocketPosition, RoomSocket } from "./types.ts";
import type { TicketHolder } from "./tickets.ts";

/** A frame from the server: a JSON object with a `type`. Its `seq` is added when it is sent. */
export type ServerFrame = { type: string } & Record<string, unknown>;

/**
 * The window of a socket: the maximum of unacknowledged frames and bytes, and how long a socket may lag. workerd's WebSocket has no
 * `bufferedAmount` (it is undefined at run time, whatever its type says): what a client does not read would pile up unseen.
 */
export type FlowSettings = { windowFrames: number; windowBytes: number; patienceMs: number };

/** The parts of the room that the broadcaster uses. */
type Room = {
  frames: FrameLog;
  positions: SocketPositions;
  flow(): FlowSettings;
  sockets(): Iterable<RoomSocket>;
  snapshot(holder: TicketHolder): Promise<object>;
  /** A socket was sent all frames, after its start or after a lag. */
  onCaughtUp(socket: RoomSocket): void;
  /** A socket lags and is closed at this time. */
  onPaused(dueAt: number): void;
  /** A socket lagged for too long. */
  onSlow(socket: RoomSocket): void;
};

const replayBytes = 256 * 1024;

/** In how many stretches a window is counted: no more than one of them is made too little of. */
const segmentsPerWindow = 8;

/** Milliseconds that a snapshot may take. */
const snapshotMs = 10_000;

/**
 * Sends the frames of a log to each socket, in order and once. Every socket has a position in the log, and gets the frames after it
 * while it acknowledges. A socket that lags or reconnects gets a replay of the missed frames, or a snapshot if the log no longer has
 * them. Moving a position never awaits, so nothing is published in between.
 */
export class Broadcaster {
  readonly #room: Room;
  /** Sockets whose snapshot is being created. */
  readonly #waiting = new WeakSet<RoomSocket>();
  /** Called when a socket has acknowledged a frame. */
  #onRead: (() => void) | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Sends frames that were just appended to the log, in order. */
  publish(frames: readonly LoggedFrame[]): void {
    const sized = frames.map((frame) => ({ ...frame, bytes: Buffer.byteLength(frame.text) }));
    for (const socket of this.#room.sockets()) {
      for (const { from, seq, text, bytes } of sized) {
        const position = this.#room.positions.of(socket);
        // A hook can publish in between. Then the socket lags by more than this frame, or not at all.
        if (position.sent !== from - 1 || this.#isFull(position)) {
          this.replay(socket, frames.at(-1)!.seq);
          break;
        }
        this.#send(socket, text, { sent: seq, frames: 1, bytes });
      }
    }
  }

  /** Sends a frame that is not logged to the sockets that do not lag. */
  broadcastTransient(frame: ServerFrame): void {
    const seq = this.#room.frames.lastSeq;
    const text = JSON.stringify({ ...frame, seq });
    for (const socket of this.#room.sockets()) {
      if (!this.replay(socket, seq)) continue;
      if (this.#isFull(this.#room.positions.of(socket))) this.#pause(socket);
      else this.#send(socket, text);
    }
  }

  /** Sends a frame that is not logged to one socket, with the `seq` of the last frame that it was sent. */
  sendTransient(socket: RoomSocket, frame: ServerFrame): void {
    const { sent, acked } = this.#room.positions.of(socket);
    this.#send(socket, JSON.stringify({ ...frame, seq: sent ?? acked }));
  }

  /** Handles an acknowledgement, and sends the frames that the socket missed. @returns whether the acknowledgement was new */
  acknowledge(socket: RoomSocket, seq: number): boolean {
    const { sent, acked, held_at } = this.#room.positions.of(socket);
    if (sent === null || seq > sent || seq < acked) return false;
    const position = this.#room.positions.mutable(socket);
    if (!recordAck(position, seq)) return false;
    position.held_at = null;
    this.#onRead?.();
    if (this.replay(socket) && held_at !== null) this.#room.onCaughtUp(socket);
    return true;
  }

  /** If a socket that does not lag has used three quarters of its window, waits until no socket has used more than half, up to a timeout. @returns false after the timeout */
  async waitForReaders(withinMs: number): Promise<boolean> {
    if (!this.#isAhead(0.75)) return true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isLate = new Promise<true>((resolve) => (timer = setTimeout(resolve, withinMs, true)));
    const isRead = () => new Promise<void>((resolve) => (this.#onRead = resolve));
    let hasRead = true;
    while (hasRead && this.#isAhead(0.5)) hasRead = (await Promise.race([isLate, isRead()])) !== true;
    this.#onRead = undefined;
    clearTimeout(timer);
    return hasRead;
  }

  /** Starts sending to a socket that was just accepted, from its position. */
  start(socket: RoomSocket): void {
    if (this.replay(socket)) this.#room.onCaughtUp(socket);
  }

  /** Sends a socket the frames that it was not sent. @returns whether it has all frames now */
  replay(socket: RoomSocket, last = this.#room.frames.lastSeq): boolean {
    for (;;) {
      const position = this.#room.positions.of(socket);
      if (position.sent === null) break;
      if (position.sent >= last) return true;
      if (this.#isFull(position)) {
        this.#pause(socket);
        return false;
      }
      const { gap, frames } = this.#room.frames.after(position.sent, replayBytes);
      if (gap) break;
      // Numbers that a crash took are between two frames, or before the first: the whole says that they were looked at.
      const { seq } = frames.at(-1)!;
      const bodies = frames.map(({ text }) => text).join(",");
      const text = `{"type":"frames","from_seq":${position.sent + 1},"seq":${seq},"frames":[${bodies}]}`;
      this.#send(socket, text, { sent: seq, frames: frames.length });
    }
    void this.#sendSnapshot(socket);
    return false;
  }

  async #sendSnapshot(socket: RoomSocket): Promise<void> {
    if (this.#waiting.has(socket)) return;
    this.#waiting.add(socket);
    const { frames } = this.#room;
    const state = socket.state!;
    this.#room.positions.mutable(socket).sent = null;
    const seq = frames.lastSeq;
    const written = (snapshot: object) => JSON.stringify({ ...snapshot, type: "snapshot", seq });
    const text = await withTimeout(snapshotMs, "The snapshot", async () => written(await this.#room.snapshot(state))).catch(
      (error: unknown) => {
        log("error", "A snapshot for a socket could not be created.", { error });
        return written({ unavailable: true });
      },
    );
    this.#waiting.delete(socket);
    if (socket.state!.closed) return;
    this.#room.positions.mutable(socket).acked = seq;
    this.#send(socket, text, { sent: seq });
    this.start(socket);
  }

  /** Whether a socket that does not lag has used this share of its window. */
  #isAhead(share: number): boolean {
    const { windowFrames, windowBytes } = this.#room.flow();
    for (const socket of this.#room.sockets()) {
      const { frames, bytes, held_at } = this.#room.positions.of(socket);
      if (held_at === null && (frames >= windowFrames * share || bytes >= windowBytes * share)) return true;
    }
    return false;
  }

  #isFull({ frames, bytes }: Unread): boolean {
    const { windowFrames, windowBytes } = this.#room.flow();
    return bytes >= windowBytes || frames >= windowFrames;
  }

  #pause(socket: RoomSocket): void {
    const now = Date.now();
    const { patienceMs } = this.#room.flow();
    const { held_at } = this.#room.positions.of(socket);
    if (held_at === null) {
      this.#room.positions.mutable(socket).held_at = now;
      this.#room.onPaused(now + patienceMs);
    } else if (now - held_at >= patienceMs) this.#room.onSlow(socket);
  }

  /** Sends a text. The last parameter has the `seq` of its last frame, and its count of frames and bytes. */
  #send(socket: RoomSocket, text: string, { sent, frames = 0, bytes = Buffer.byteLength(text) }: Sending = {}): void {
    const position = this.#room.positions.mutable(socket);
    if (sent !== undefined) position.sent = sent;
    const { windowFrames, windowBytes } = this.#room.flow();
    recordSent(
      position,
      { frames, bytes },
      { frames: windowFrames / segmentsPerWindow, bytes: windowBytes / segmentsPerWindow },
    );
    try {
      socket.send(text);
    } catch {
      // The socket is gone. Its close event follows.
    }
  }
}

type Sending = { sent?: number; frames?: number; bytes?: number };

type Unread = Pick<SocketPosition, "frames" | "bytes">;

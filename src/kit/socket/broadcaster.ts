import { Buffer } from "node:buffer";
import { withTimeout } from "../async/timeout.ts";
import type { FrameLog, LoggedFrame } from "./frame-log.ts";
import { log } from "../log.ts";
import { noteRead, noteSent, type SocketPositions } from "./socket-positions.ts";
import type { SocketPosition, RoomSocket } from "./types.ts";
import type { TicketHolder } from "./tickets.ts";

/** What a server says: an object of JSON with a `type`; its `seq` is added when it is sent. */
export type ServerFrame = { type: string } & Record<string, unknown>;

/**
 * How much a socket is sent without acknowledging, in frames and in bytes, and for how long it may lag then. workerd's WebSocket has no
 * `bufferedAmount` (it is undefined at run time, whatever its type says): what a client does not read would pile up unseen.
 */
export type FlowSettings = { windowFrames: number; windowBytes: number; patienceMs: number };

/** What the room does for its fan-out. */
type Room = {
  frames: FrameLog;
  places: SocketPositions;
  flow(): FlowSettings;
  sockets(): Iterable<RoomSocket>;
  snapshot(holder: TicketHolder): Promise<object>;
  /** A socket has been sent everything, after its start or after a lag. */
  onCaughtUp(socket: RoomSocket): void;
  /** A socket lags: it is due to be closed at a time. */
  onPaused(dueAt: number): void;
  /** A socket lagged for too long. */
  onSlow(socket: RoomSocket): void;
};

const replayBytes = 256 * 1024;

/** In how many stretches a window is counted: no more than one of them is made too little of. */
const stretches = 8;

/** Milliseconds that a snapshot may take. */
const snapshotMs = 10_000;

/**
 * Sends the frames of a log to sockets, to each in order and once. Every socket has its place in the log, and is sent what comes
 * after it for as long as it acknowledges; one that lags, or comes late, is replayed what it missed, or given a snapshot where the log
 * no longer reaches. Everything between two places is done at once, without awaiting, so nothing is published in between.
 */
export class Broadcaster {
  readonly #room: Room;
  /** Sockets whose snapshot is being read. */
  readonly #waiting = new WeakSet<RoomSocket>();
  /** Called when a socket has read something. */
  #onRead: (() => void) | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Sends frames that were just told to the log, one after the other. */
  publish(frames: readonly LoggedFrame[]): void {
    const sized = frames.map((frame) => ({ ...frame, bytes: Buffer.byteLength(frame.text) }));
    for (const socket of this.#room.sockets()) {
      for (const { from, seq, text, bytes } of sized) {
        const place = this.#room.places.of(socket);
        // A hook may have published in between: then the socket is behind by more than this frame, or not at all.
        if (place.sent !== from - 1 || this.#isFull(place)) {
          this.replay(socket, frames.at(-1)!.seq);
          break;
        }
        this.#send(socket, text, { sent: seq, frames: 1, bytes });
      }
    }
  }

  /** Sends a frame that is not kept to whoever is current; the others are told so once they are. */
  broadcastTransient(frame: ServerFrame): void {
    const seq = this.#room.frames.lastSeq;
    const text = JSON.stringify({ ...frame, seq });
    for (const socket of this.#room.sockets()) {
      if (!this.replay(socket, seq)) continue;
      if (this.#isFull(this.#room.places.of(socket))) this.#pause(socket);
      else this.#send(socket, text);
    }
  }

  /** Sends a frame that is not kept to one socket, with the number of the last one that it was sent. */
  sendTransient(socket: RoomSocket, frame: ServerFrame): void {
    const { sent, acked } = this.#room.places.of(socket);
    this.#send(socket, JSON.stringify({ ...frame, seq: sent ?? acked }));
  }

  /** Takes note of what a socket has read, and sends it what it missed meanwhile. @returns whether it was news */
  acknowledge(socket: RoomSocket, seq: number): boolean {
    const { sent, acked, held_at } = this.#room.places.of(socket);
    if (sent === null || seq > sent || seq < acked) return false;
    const place = this.#room.places.mutable(socket);
    if (!noteRead(place, seq)) return false;
    place.held_at = null;
    this.#onRead?.();
    if (this.replay(socket) && held_at !== null) this.#room.onCaughtUp(socket);
    return true;
  }

  /** Where a socket that does not lag has three quarters of its window to read, waits until none has more than half, but not for longer. */
  async waitForReaders(withinMs: number): Promise<void> {
    if (!this.#isAhead(0.75)) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isLate = new Promise<true>((resolve) => (timer = setTimeout(resolve, withinMs, true)));
    const isRead = () => new Promise<void>((resolve) => (this.#onRead = resolve));
    while (this.#isAhead(0.5) && (await Promise.race([isLate, isRead()])) !== true);
    this.#onRead = undefined;
    clearTimeout(timer);
  }

  /** Starts a socket that was just accepted at its place. */
  start(socket: RoomSocket): void {
    if (this.replay(socket)) this.#room.onCaughtUp(socket);
  }

  /** Sends a socket what it has not been sent. @returns whether it is current now */
  replay(socket: RoomSocket, last = this.#room.frames.lastSeq): boolean {
    for (;;) {
      const place = this.#room.places.of(socket);
      if (place.sent === null) break;
      if (place.sent >= last) return true;
      if (this.#isFull(place)) {
        this.#pause(socket);
        return false;
      }
      const { gap, frames } = this.#room.frames.after(place.sent, replayBytes);
      if (gap) break;
      // Numbers that a crash took are between two frames, or before the first: the whole says that they were looked at.
      const { seq } = frames.at(-1)!;
      const bodies = frames.map(({ text }) => text).join(",");
      const text = `{"type":"frames","from_seq":${place.sent + 1},"seq":${seq},"frames":[${bodies}]}`;
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
    this.#room.places.mutable(socket).sent = null;
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
    this.#room.places.mutable(socket).acked = seq;
    this.#send(socket, text, { sent: seq });
    this.start(socket);
  }

  /** Whether a socket that does not lag has so much of its window to read. */
  #isAhead(share: number): boolean {
    const { windowFrames, windowBytes } = this.#room.flow();
    for (const socket of this.#room.sockets()) {
      const { frames, bytes, held_at } = this.#room.places.of(socket);
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
    const { held_at } = this.#room.places.of(socket);
    if (held_at === null) {
      this.#room.places.mutable(socket).held_at = now;
      this.#room.onPaused(now + patienceMs);
    } else if (now - held_at >= patienceMs) this.#room.onSlow(socket);
  }

  /** @param place the frame that the socket has with this, and how many it is sent */
  #send(socket: RoomSocket, text: string, { sent, frames = 0, bytes = Buffer.byteLength(text) }: Sending = {}): void {
    const place = this.#room.places.mutable(socket);
    if (sent !== undefined) place.sent = sent;
    const { windowFrames, windowBytes } = this.#room.flow();
    noteSent(place, { frames, bytes }, { frames: windowFrames / stretches, bytes: windowBytes / stretches });
    try {
      socket.send(text);
    } catch {
      // It is gone, and will be told so.
    }
  }
}

type Sending = { sent?: number; frames?: number; bytes?: number };

type Unread = Pick<SocketPosition, "frames" | "bytes">;

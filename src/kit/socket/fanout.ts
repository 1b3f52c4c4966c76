import { Buffer } from "node:buffer";
import { within } from "../deadline.ts";
import type { FrameLog } from "./frames.ts";
import { log } from "../log.ts";
import type { RoomSocket, SocketState } from "./roster.ts";
import type { TicketHolder } from "../tickets.ts";

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
  flow(): FlowSettings;
  sockets(): Iterable<RoomSocket>;
  snapshot(holder: TicketHolder): Promise<object>;
  /** A socket has been sent everything, after its start or after a lag. */
  onCurrent(socket: RoomSocket): void;
  /** A socket lags: it is due to be closed at a time. */
  onHeld(dueAt: number): void;
  /** A socket lagged for too long. */
  onSlow(socket: RoomSocket): void;
};

const replayBytes = 256 * 1024;

/** Milliseconds that a snapshot may take. */
const snapshotMs = 10_000;

/**
 * Sends the frames of a log to sockets, to each in order and once. Every socket has its place in the log, and is sent what comes
 * after it for as long as it acknowledges; one that lags, or comes late, is replayed what it missed, or given a snapshot where the log
 * no longer reaches. Everything between two places is done at once, without awaiting, so nothing is published in between.
 */
export class Fanout {
  readonly #room: Room;
  /** Sockets whose snapshot is being read. */
  readonly #waiting = new WeakSet<RoomSocket>();

  constructor(room: Room) {
    this.#room = room;
  }

  /** Sends a frame that was just written to the log. */
  publish(seq: number): void {
    const [frame] = this.#room.frames.after(seq - 1).frames;
    for (const socket of this.#room.sockets()) {
      const state = socket.state!;
      // A hook may have published in between: then the socket is behind by more than this frame, or not at all.
      if (state.sent !== seq - 1 || this.#isFull(state)) this.catchUp(socket, seq);
      else this.#send(socket, frame!.text, { sent: seq });
    }
  }

  /** Sends a frame that is not kept to whoever is current; the others are told so once they are. */
  announce(frame: ServerFrame): void {
    const seq = this.#room.frames.lastSeq;
    const text = JSON.stringify({ ...frame, seq });
    for (const socket of this.#room.sockets()) {
      if (!this.catchUp(socket, seq)) continue;
      if (this.#isFull(socket.state!)) this.#hold(socket);
      else this.#send(socket, text);
    }
  }

  /** Sends a frame that is not kept to one socket, with the number of the last one that it was sent. */
  tell(socket: RoomSocket, frame: ServerFrame): void {
    const { sent, acked } = socket.state!;
    this.#send(socket, JSON.stringify({ ...frame, seq: sent ?? acked }));
  }

  /** Takes note of what a socket has read, and sends it what it missed meanwhile. */
  acknowledge(socket: RoomSocket, seq: number): void {
    const state = socket.state!;
    if (state.sent === null || seq > state.sent || seq < state.acked) return;
    const bytes = this.#room.frames.bytesBetween(seq, state.sent);
    const isNews = seq > state.acked || bytes < state.bytes;
    if (!isNews) return;
    socket.setState({ ...state, acked: seq, bytes, held_at: null });
    if (this.catchUp(socket) && state.held_at !== null) this.#room.onCurrent(socket);
  }

  /** Starts a socket that was just accepted at its place. */
  start(socket: RoomSocket): void {
    if (this.catchUp(socket)) this.#room.onCurrent(socket);
  }

  /** Sends a socket what it has not been sent. @returns whether it is current now */
  catchUp(socket: RoomSocket, last = this.#room.frames.lastSeq): boolean {
    for (;;) {
      const state = socket.state!;
      if (state.sent === null) break;
      if (state.sent >= last) return true;
      if (this.#isFull(state)) {
        this.#hold(socket);
        return false;
      }
      const { gap, frames } = this.#room.frames.after(state.sent, replayBytes);
      if (gap) break;
      const { seq } = frames.at(-1)!;
      const bodies = frames.map(({ text }) => text).join(",");
      this.#send(socket, `{"type":"frames","from_seq":${frames[0]!.seq},"seq":${seq},"frames":[${bodies}]}`, { sent: seq });
    }
    void this.#sendSnapshot(socket);
    return false;
  }

  async #sendSnapshot(socket: RoomSocket): Promise<void> {
    if (this.#waiting.has(socket)) return;
    this.#waiting.add(socket);
    const { frames } = this.#room;
    const state = { ...socket.state!, sent: null };
    socket.setState(state);
    const seq = frames.lastSeq;
    const written = (snapshot: object) => JSON.stringify({ ...snapshot, type: "snapshot", seq });
    const text = await within(snapshotMs, "The snapshot", async () => written(await this.#room.snapshot(state))).catch(
      (error: unknown) => {
        log("error", "There is no snapshot for a socket.", { error });
        return written({ unavailable: true });
      },
    );
    this.#waiting.delete(socket);
    if (socket.state!.closed) return;
    this.#send(socket, text, { sent: seq, acked: seq });
    this.start(socket);
  }

  #isFull({ sent, acked, bytes }: Pick<SocketState, "sent" | "acked" | "bytes">): boolean {
    const { windowFrames, windowBytes } = this.#room.flow();
    return bytes >= windowBytes || (sent ?? acked) - acked >= windowFrames;
  }

  #hold(socket: RoomSocket): void {
    const now = Date.now();
    const { patienceMs } = this.#room.flow();
    const { held_at } = socket.state!;
    if (held_at === null) {
      socket.setState({ ...socket.state!, held_at: now });
      this.#room.onHeld(now + patienceMs);
    } else if (now - held_at >= patienceMs) this.#room.onSlow(socket);
  }

  #send(socket: RoomSocket, text: string, place: Partial<SocketState> = {}): void {
    const state = socket.state!;
    socket.setState({ ...state, ...place, bytes: state.bytes + Buffer.byteLength(text) });
    try {
      socket.send(text);
    } catch {
      // It is gone, and will be told so.
    }
  }
}

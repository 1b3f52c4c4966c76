import type { SocketPosition, RoomSocket } from "./types.ts";

/** The position of a socket that has all frames up to `seq`, or, without `seq`, waits for a snapshot. */
export function positionAfter(seq: number | undefined): SocketPosition {
  return { sent: seq ?? null, acked: seq ?? 0, frames: 0, bytes: 0, stretches: [], held_at: null };
}

/** As many as fit into an attachment of 2 KiB. */
const maxStretches = 16;

/** Records frames that were sent to a socket. @param most the approximate size of one stretch */
export function recordSent(
  position: SocketPosition,
  sent: { frames: number; bytes: number },
  most: { frames: number; bytes: number },
): void {
  position.frames += sent.frames;
  position.bytes += sent.bytes;
  const seq = position.sent ?? position.acked;
  const last = position.stretches.at(-1);
  if (last === undefined || last.frames >= most.frames || last.bytes >= most.bytes) position.stretches.push({ seq, ...sent });
  else {
    last.seq = seq;
    last.frames += sent.frames;
    last.bytes += sent.bytes;
  }
  if (position.stretches.length <= maxStretches) return;
  const [first] = position.stretches.splice(0, 1);
  position.stretches[0]!.frames += first!.frames;
  position.stretches[0]!.bytes += first!.bytes;
}

/** Records an acknowledgement of a socket. @returns whether it is new */
export function recordAck(position: SocketPosition, seq: number): boolean {
  const unread = position.stretches.findIndex((stretch) => stretch.seq > seq);
  const read = position.stretches.splice(0, unread === -1 ? Infinity : unread);
  for (const { frames, bytes } of read) {
    position.frames -= frames;
    position.bytes -= bytes;
  }
  const isNews = seq > position.acked || read.length > 0;
  position.acked = seq;
  return isNews;
}

/** A socket without a frame or an acknowledgement for this many milliseconds, at most twice as many, is idle. */
const restMs = 100;

/**
 * The positions of sockets. The position of an active socket is only in memory: writing it into the attachment for every frame would
 * cost more than sending the frame. The position of an idle socket is in the attachment. No object hibernates while anything moves; where one is put out of
 * memory all the same, the sockets that moved are lost, and it shows.
 */
export class SocketPositions {
  readonly #known = new WeakMap<RoomSocket, Known>();
  readonly #moving = new Set<RoomSocket>();

  /** The position of a socket, read-only. `mutable` returns one that can be changed. */
  of(socket: RoomSocket): Readonly<SocketPosition> {
    return this.#get(socket).place;
  }

  /** The position of a socket, for a change. */
  mutable(socket: RoomSocket): SocketPosition {
    const known = this.#get(socket);
    known.hasMoved = true;
    if (known.isMoving) return known.place;
    known.isMoving = true;
    if (this.#moving.size === 0) this.#watch();
    this.#moving.add(socket);
    socket.setState({ ...socket.state!, place: null });
    return known.place;
  }

  /** Whether the position of a socket is lost: it was active when its room was evicted from memory. */
  isUnknown(socket: RoomSocket): boolean {
    return socket.state?.place === null && !this.#known.has(socket);
  }

  /** Stores the positions of sockets that did not change since the last call, or of all. */
  persistIdle(isForced = false): void {
    for (const socket of this.#moving) {
      const known = this.#get(socket);
      if (known.hasMoved && !isForced) known.hasMoved = false;
      else {
        known.isMoving = false;
        this.#moving.delete(socket);
        const { state } = socket;
        if (state?.closed === false) socket.setState({ ...state, place: structuredClone(known.place) });
      }
    }
  }

  #watch(): void {
    // A pending timer prevents hibernation.
    setTimeout(() => {
      this.persistIdle();
      if (this.#moving.size > 0) this.#watch();
    }, restMs);
  }

  #get(socket: RoomSocket): Known {
    let known = this.#known.get(socket);
    if (known === undefined) {
      const place = structuredClone(socket.state!.place) as SocketPosition;
      this.#known.set(socket, (known = { place, isMoving: false, hasMoved: false }));
    }
    return known;
  }
}

/** A position, whether it is only in memory, and whether it has changed recently. */
type Known = { place: SocketPosition; isMoving: boolean; hasMoved: boolean };

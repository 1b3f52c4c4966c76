import type { SocketPosition, RoomSocket } from "./types.ts";

/** The place of a socket that has everything up to a frame, or, without one, waits for a snapshot. */
export function placeAfter(seq: number | undefined): SocketPosition {
  return { sent: seq ?? null, acked: seq ?? 0, frames: 0, bytes: 0, stretches: [], held_at: null };
}

/** As many as an attachment, which has 2 KiB, has room for. */
const maxStretches = 16;

/** A socket was sent this. @param most how much one stretch holds, about */
export function noteSent(
  place: SocketPosition,
  sent: { frames: number; bytes: number },
  most: { frames: number; bytes: number },
): void {
  place.frames += sent.frames;
  place.bytes += sent.bytes;
  const seq = place.sent ?? place.acked;
  const last = place.stretches.at(-1);
  if (last === undefined || last.frames >= most.frames || last.bytes >= most.bytes) place.stretches.push({ seq, ...sent });
  else {
    last.seq = seq;
    last.frames += sent.frames;
    last.bytes += sent.bytes;
  }
  if (place.stretches.length <= maxStretches) return;
  const [first] = place.stretches.splice(0, 1);
  place.stretches[0]!.frames += first!.frames;
  place.stretches[0]!.bytes += first!.bytes;
}

/** A socket has read up to a frame. @returns whether it had not said so */
export function noteRead(place: SocketPosition, seq: number): boolean {
  const unread = place.stretches.findIndex((stretch) => stretch.seq > seq);
  const read = place.stretches.splice(0, unread === -1 ? Infinity : unread);
  for (const { frames, bytes } of read) {
    place.frames -= frames;
    place.bytes -= bytes;
  }
  const isNews = seq > place.acked || read.length > 0;
  place.acked = seq;
  return isNews;
}

/** Milliseconds without a frame or an acknowledgement after which a socket is at rest, and twice that at most. */
const restMs = 100;

/**
 * The places of sockets. A socket that moves has its place in memory alone: to write it into the attachment for every frame would cost
 * more than to send the frame. At rest, it is in the attachment. No object hibernates while anything moves; where one is put out of
 * memory all the same, the sockets that moved are lost, and it shows.
 */
export class SocketPositions {
  readonly #known = new WeakMap<RoomSocket, Known>();
  readonly #moving = new Set<RoomSocket>();

  /** The place of a socket, as it is; `move` gives one that can be changed. */
  of(socket: RoomSocket): Readonly<SocketPosition> {
    return this.#get(socket).place;
  }

  /** The place of a socket that is about to move. */
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

  /** Whether nobody knows where a socket is: it moved when its room went out of memory. */
  isUnknown(socket: RoomSocket): boolean {
    return socket.state?.place === null && !this.#known.has(socket);
  }

  /** Writes down the places of sockets that have not moved since it was called last, or of all. */
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
    // A timer that is set keeps an object from hibernating.
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

/** A place, whether it is in memory alone, and whether it has changed of late. */
type Known = { place: SocketPosition; isMoving: boolean; hasMoved: boolean };

import type { RoomSocket } from "./roster.ts";

/** Where a socket is in the log, and what it was sent and has not acknowledged. Times are milliseconds since the epoch. */
export type Place = {
  /** The last frame that it was sent; null while it waits for its snapshot. */
  sent: number | null;
  /** The last frame that it acknowledged. */
  acked: number;
  /** How many frames and bytes it was sent and has not acknowledged, at most. */
  frames: number;
  bytes: number;
  /** A place in what it was sent, and what it was sent since. */
  mark: number;
  marked_frames: number;
  marked_bytes: number;
  /** Since when it is sent nothing, as it acknowledged too little. */
  held_at: number | null;
};

/** The place of a socket that has everything up to a frame, or, without one, waits for a snapshot. */
export function placeAfter(seq: number | undefined): Place {
  const at = seq === undefined ? { sent: null, acked: 0, mark: 0 } : { sent: seq, acked: seq, mark: seq };
  return { ...at, frames: 0, bytes: 0, marked_frames: 0, marked_bytes: 0, held_at: null };
}

/** Milliseconds without a frame or an acknowledgement after which a socket is at rest, and twice that at most. */
export const restMs = 100;

/**
 * The places of sockets. A socket that moves has its place in memory alone: to write it into the attachment for every frame would cost
 * more than to send the frame. At rest, it is in the attachment. No object hibernates while anything moves; where one is put out of
 * memory all the same, the sockets that moved are lost, and it shows.
 */
export class Places {
  readonly #places = new WeakMap<RoomSocket, Place>();
  readonly #moving = new Set<RoomSocket>();
  /** Those that moved since it was looked at them last. */
  readonly #moved = new Set<RoomSocket>();

  /** The place of a socket, as it is; `move` gives one that can be changed. */
  of(socket: RoomSocket): Readonly<Place> {
    return this.#of(socket);
  }

  /** The place of a socket that is about to move. */
  move(socket: RoomSocket): Place {
    const place = this.#of(socket);
    this.#moved.add(socket);
    if (this.#moving.has(socket)) return place;
    if (this.#moving.size === 0) this.#watch();
    this.#moving.add(socket);
    socket.setState({ ...socket.state!, place: null });
    return place;
  }

  /** Whether nobody knows where a socket is: it moved when its room went out of memory. */
  isLost(socket: RoomSocket): boolean {
    return socket.state?.place === null && !this.#places.has(socket);
  }

  /** Writes down the places of sockets that have come to rest, or of all. */
  settle(isForced = false): void {
    for (const socket of this.#moving) {
      if (!isForced && this.#moved.has(socket)) continue;
      this.#moving.delete(socket);
      const { state } = socket;
      if (state?.closed === false) socket.setState({ ...state, place: { ...this.#of(socket) } });
    }
    this.#moved.clear();
  }

  #watch(): void {
    // A timer that is set keeps an object from hibernating.
    setTimeout(() => {
      this.settle();
      if (this.#moving.size > 0) this.#watch();
    }, restMs);
  }

  #of(socket: RoomSocket): Place {
    let place = this.#places.get(socket);
    if (place === undefined) this.#places.set(socket, (place = { ...socket.state!.place! }));
    return place;
  }
}

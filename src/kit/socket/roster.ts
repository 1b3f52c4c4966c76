import type { Connection } from "partyserver";
import type { TicketHolder } from "../tickets.ts";

/** What a socket carries through hibernation. Times are milliseconds since the epoch. */
export type SocketState = TicketHolder & {
  since: number;
  until: number;
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
  /** Whether it was closed, or went. */
  closed: boolean;
};

export type RoomSocket = Connection<SocketState>;

/** A device that listens, and since when. */
export type PresentDevice = { device: string; label: string; since: string };

/** Who is in a room: its open sockets, and the devices behind them. */
export class Roster {
  readonly #connections: (device?: string) => Iterable<RoomSocket>;
  readonly #onDevices: () => void;

  /** @param connections the sockets that the platform has, all or a device's @param onDevices a device came or went */
  constructor(connections: (device?: string) => Iterable<RoomSocket>, onDevices: () => void) {
    this.#connections = connections;
    this.#onDevices = onDevices;
  }

  /** The open sockets, all or a device's. */
  *sockets(device?: string): Iterable<RoomSocket> {
    for (const socket of this.#connections(device)) if (socket.state?.closed === false) yield socket;
  }

  /** The devices that listen, the one that came first before the others. */
  devices(): PresentDevice[] {
    const present = new Map<string, PresentDevice>();
    for (const { device, label, since } of Array.from(this.sockets(), ({ state }) => state!).sort(
      (a, b) => a.since - b.since,
    )) {
      if (!present.has(device)) present.set(device, { device, label, since: new Date(since).toISOString() });
    }
    return [...present.values()];
  }

  /** The sockets that have lagged for too long and those that are too old, and when another will be. */
  due(now: number, patienceMs: number): { slow: RoomSocket[]; old: RoomSocket[]; nextAt: number } {
    const slow: RoomSocket[] = [];
    const old: RoomSocket[] = [];
    let nextAt = Infinity;
    for (const socket of this.sockets()) {
      const { until, held_at } = socket.state!;
      const slowAt = held_at === null ? Infinity : held_at + patienceMs;
      if (slowAt <= now) slow.push(socket);
      else if (until <= now) old.push(socket);
      else nextAt = Math.min(nextAt, until, slowAt);
    }
    return { slow, old, nextAt };
  }

  /** Lets a socket in. @returns whether its device was not here before */
  enter(socket: RoomSocket, state: SocketState): boolean {
    const isNew = !this.#isHere(state.device);
    socket.setState(state);
    return isNew;
  }

  /** A socket went by itself. */
  leave(socket: RoomSocket): void {
    if (socket.state?.closed !== false) return;
    socket.setState({ ...socket.state, closed: true });
    if (!this.#isHere(socket.state.device)) this.#onDevices();
  }

  /** Closes sockets: one change of who is here, however many they are. */
  dismiss(sockets: Iterable<RoomSocket>, code: number, reason: string): void {
    const left = this.close(sockets, code, reason);
    if (left.some((device) => !this.#isHere(device))) this.#onDevices();
  }

  /** Closes sockets and tells nobody. @returns their devices */
  close(sockets: Iterable<RoomSocket>, code: number, reason: string): string[] {
    return Array.from(sockets, (socket) => {
      socket.setState({ ...socket.state!, closed: true });
      socket.close(code, reason);
      return socket.state!.device;
    });
  }

  #isHere(device: string): boolean {
    return !this.sockets(device)[Symbol.iterator]().next().done;
  }
}

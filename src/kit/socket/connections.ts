import type { SocketPositions } from "./socket-positions.ts";
import type { PresentDevice, RoomSocket, SocketState } from "./types.ts";

/** The connections of a room: its open sockets and their devices. */
export class Connections {
  readonly #sockets: Set<RoomSocket>;
  readonly #places: SocketPositions;
  readonly #onDevices: () => void;

  /** @param sockets the sockets of the platform; listing them is slow @param onDevices called when a device connects or disconnects */
  constructor(sockets: Iterable<RoomSocket>, places: SocketPositions, onDevices: () => void) {
    this.#sockets = new Set(Array.from(sockets).filter(({ state }) => state?.closed === false));
    this.#places = places;
    this.#onDevices = onDevices;
  }

  /** The open sockets of all devices, or of one. */
  sockets(device?: string): RoomSocket[] {
    return Array.from(this.#sockets).filter(
      (socket) => (device === undefined || socket.state?.device === device) && socket.readyState === WebSocket.OPEN,
    );
  }

  /** Whether a socket was admitted and is still open. */
  has(socket: WebSocket): socket is RoomSocket {
    return this.#sockets.has(socket as RoomSocket);
  }

  /** The connected devices, in order of connection. */
  devices(): PresentDevice[] {
    const present = new Map<string, PresentDevice>();
    for (const { device, label, since } of Array.from(this.sockets(), ({ state }) => state!).sort(
      (a, b) => a.since - b.since,
    )) {
      if (!present.has(device)) present.set(device, { device, label, since: new Date(since).toISOString() });
    }
    return [...present.values()];
  }

  /** The sockets that lagged for too long, the sockets that are too old, and the next time to check. */
  due(now: number, patienceMs: number): { slow: RoomSocket[]; old: RoomSocket[]; nextAt: number } {
    const slow: RoomSocket[] = [];
    const old: RoomSocket[] = [];
    let nextAt = Infinity;
    for (const socket of this.sockets()) {
      const { until } = socket.state!;
      const { held_at } = this.#places.of(socket);
      const slowAt = held_at === null ? Infinity : held_at + patienceMs;
      if (slowAt <= now) slow.push(socket);
      else if (until <= now) old.push(socket);
      else nextAt = Math.min(nextAt, until, slowAt);
    }
    return { slow, old, nextAt };
  }

  /** Adds a socket. @returns whether its device is newly connected */
  add(socket: RoomSocket, state: SocketState): boolean {
    const isNew = !this.isConnected(state.device);
    socket.setState(state);
    this.#sockets.add(socket);
    return isNew;
  }

  /** Removes a socket that the client closed. */
  remove(socket: RoomSocket): void {
    if (!this.has(socket)) return;
    this.#end(socket);
    if (!this.isConnected(socket.state!.device)) this.#onDevices();
  }

  /** Closes sockets, with one `onDevices` call for all of them. */
  closeAndRemove(sockets: Iterable<RoomSocket>, code: number, reason: string): void {
    const left = this.close(sockets, code, reason);
    if (left.some((device) => !this.isConnected(device))) this.#onDevices();
  }

  /** Closes sockets without calling `onDevices`. @returns their devices */
  close(sockets: Iterable<RoomSocket>, code: number, reason: string): string[] {
    return Array.from(sockets, (socket) => {
      this.#end(socket);
      socket.close(code, reason);
      return socket.state!.device;
    });
  }

  isConnected(device: string): boolean {
    return this.sockets(device).length > 0;
  }

  #end(socket: RoomSocket): void {
    this.#sockets.delete(socket);
    socket.setState({ ...(socket.state as SocketState), closed: true });
  }
}

import type { Connect, ClientSocket } from "../../../src/chat/streaming/room-socket.ts";
import type { RoomFrameOrSnapshot } from "../../../src/chat/streaming/ui-message-stream.ts";

type Listener = (event: { data?: unknown; code?: number }) => void;

/** The room's end of a socket, and what the Worker's end said and did. */
export type Connection = {
  after: number | undefined;
  acks: number[];
  isOpen: boolean;
  send(seq: number, frame: RoomFrameOrSnapshot | { type: "presence" }): void;
  /** Several frames as one, as a room does for one that lags. */
  sendBatch(frames: readonly (RoomFrameOrSnapshot & { seq: number })[]): void;
  close(code: number): void;
};

/** A room that says what a test says, on every socket that is opened to it. */
export function fakeRoom(onOpen: (connection: Connection) => void = () => {}) {
  const connections: Connection[] = [];
  /** What the next openings are refused with. */
  const refusals: unknown[] = [];
  const connect: Connect = async (after) => {
    if (refusals.length > 0) throw refusals.shift();
    const listeners = new Map<string, Listener>();
    const deliver = (data: string) => listeners.get("message")?.({ data });
    const connection: Connection = {
      after,
      acks: [],
      isOpen: false,
      send: (seq, frame) => deliver(JSON.stringify({ ...frame, seq })),
      sendBatch: (frames) =>
        deliver(JSON.stringify({ type: "frames", from_seq: frames[0]!.seq, seq: frames.at(-1)!.seq, frames })),
      close(code) {
        connection.isOpen = false;
        listeners.get("close")?.({ code });
      },
    };
    const socket = {
      accept() {
        connection.isOpen = true;
        connections.push(connection);
        queueMicrotask(() => onOpen(connection));
      },
      send: (text: string) => void connection.acks.push((JSON.parse(text) as { seq: number }).seq),
      close: () => void (connection.isOpen = false),
      addEventListener: (type: string, listener: Listener) => void listeners.set(type, listener),
    };
    return socket as unknown as ClientSocket;
  };
  return { dial: connect, connections, refusals };
}

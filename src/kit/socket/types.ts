import type { Connection } from "partyserver";
import type { TicketHolder } from "./tickets.ts";

/** The position of a socket in the log, and its unacknowledged frames. Times are milliseconds since the epoch. */
export type SocketPosition = {
  /** The last frame that was sent; null while the socket waits for its snapshot. */
  sent: number | null;
  /** The last acknowledged frame. */
  acked: number;
  /** The count of unacknowledged frames and bytes, at most. */
  frames: number;
  bytes: number;
  /** The same in a few stretches, each with the last frame in it: so the log need not know how its frames were cut. */
  stretches: { seq: number; frames: number; bytes: number }[];
  /** When sending was paused because the window was full; null if it is not paused. */
  held_at: number | null;
};

/** The state of a socket that survives hibernation. Times are milliseconds since the epoch. */
export type SocketState = TicketHolder & {
  since: number;
  until: number;
  /** The position in the log; null while the socket is active. */
  place: SocketPosition | null;
  /** Whether the socket is closed. */
  closed: boolean;
};

export type RoomSocket = Connection<SocketState>;

/** A connected device, and when it connected. */
export type PresentDevice = { device: string; label: string; since: string };

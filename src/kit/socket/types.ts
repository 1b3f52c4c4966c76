import type { Connection } from "partyserver";
import type { TicketHolder } from "./tickets.ts";

/** Where a socket is in the log, and what it was sent and has not acknowledged. Times are milliseconds since the epoch. */
export type SocketPosition = {
  /** The last frame that it was sent; null while it waits for its snapshot. */
  sent: number | null;
  /** The last frame that it acknowledged. */
  acked: number;
  /** How many frames and bytes it was sent and has not acknowledged, at most. */
  frames: number;
  bytes: number;
  /** The same in a few stretches, each with the last frame in it: so the log need not know how its frames were cut. */
  stretches: { seq: number; frames: number; bytes: number }[];
  /** Since when it is sent nothing, as it acknowledged too little. */
  held_at: number | null;
};

/** What a socket carries through hibernation. Times are milliseconds since the epoch. */
export type SocketState = TicketHolder & {
  since: number;
  until: number;
  /** Where it is in the log; null while it moves. */
  place: SocketPosition | null;
  /** Whether it was closed, or went. */
  closed: boolean;
};

export type RoomSocket = Connection<SocketState>;

/** A device that listens, and since when. */
export type PresentDevice = { device: string; label: string; since: string };

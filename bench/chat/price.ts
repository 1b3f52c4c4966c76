import type { Billed } from "./metered-room.ts";

/** US dollars, beyond what is included, as published on developers.cloudflare.com/durable-objects/platform/pricing in November 2026. */
const usdPerMillion = { requests: 0.15, gigabyteSeconds: 12.5, rowsRead: 0.001, rowsWritten: 1 };

/** An object is billed for this much memory while it cannot hibernate, and 20 messages of a socket are billed as one request. */
const gigabytes = 0.128;
const messagesPerRequest = 20;

/** What a million turns cost at Cloudflare of which each is billed so. Sockets are open already; Postgres and the model are others' bills. */
export function millionTurnsUsd({ rowsRead, rowsWritten, messages, alarms }: Billed, seconds: number): number {
  const { requests, gigabyteSeconds, ...rows } = usdPerMillion;
  return (
    (messages / messagesPerRequest + alarms) * requests +
    seconds * gigabytes * gigabyteSeconds +
    rowsRead * rows.rowsRead +
    rowsWritten * rows.rowsWritten
  );
}

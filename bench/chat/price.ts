import type { BilledUnits } from "./metered-room.ts";

/** US dollars beyond the included usage, from developers.cloudflare.com/durable-objects/platform/pricing, November 2026. */
const usdPerMillion = { requests: 0.15, gigabyteSeconds: 12.5, rowsRead: 0.001, rowsWritten: 1 };

/** Cloudflare bills an active object for this much memory, and 20 incoming messages as one request. */
const gigabytes = 0.128;
const messagesPerRequest = 20;

/** The price of a million turns with these units and duration. It excludes opening a socket, Postgres and the model. */
export function millionTurnsUsd({ rowsRead, rowsWritten, messages, alarms }: BilledUnits, seconds: number): number {
  const { requests, gigabyteSeconds, ...rows } = usdPerMillion;
  return (
    (messages / messagesPerRequest + alarms) * requests +
    seconds * gigabytes * gigabyteSeconds +
    rowsRead * rows.rowsRead +
    rowsWritten * rows.rowsWritten
  );
}

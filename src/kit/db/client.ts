import { neon, neonConfig } from "@neondatabase/serverless";
import { drizzle } from "drizzle-orm/neon-http";
import type { RoundTripCounter } from "../server-timing.ts";

const timeoutMs = 8_000;

type MeteredInit = RequestInit & { meter: RoundTripCounter; stop: AbortSignal | undefined };

/** Neon's driver passes the `fetchOptions` of a client to this function, so each client counts its own round trips. */
function meteredFetch(input: string, { meter, stop, ...init }: MeteredInit): Promise<Response> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = stop === undefined ? timeout : AbortSignal.any([timeout, stop]);
  return meter.time("db", () => fetch(input, { ...init, signal }));
}

/**
 * Creates a client for Postgres over HTTP, without connecting. Each query, or each `batch` (one transaction), is one round trip.
 * @param proxy base URL of a server that speaks Neon's protocol for another PostgreSQL; empty for Neon itself.
 * @param stop aborts all queries
 */
export function openDatabase(url: string, proxy: string, meter: RoundTripCounter, stop?: AbortSignal) {
  neonConfig.fetchFunction = meteredFetch;
  if (proxy !== "") neonConfig.fetchEndpoint = `${proxy}/sql`;
  return drizzle(neon(url, { fetchOptions: { meter, stop } }));
}

export type Database = ReturnType<typeof openDatabase>;

import { neon, neonConfig } from "@neondatabase/serverless";
import { drizzle } from "drizzle-orm/neon-http";
import type { RoundTripCounter } from "../server-timing.ts";

const timeoutMs = 8_000;

type MeteredInit = RequestInit & { meter: RoundTripCounter };

/** Neon's driver passes the `fetchOptions` of a client to this function, so each client counts its own round trips. */
function meteredFetch(input: string, { meter, ...init }: MeteredInit): Promise<Response> {
  return meter.time("db", () => fetch(input, { ...init, signal: AbortSignal.timeout(timeoutMs) }));
}

/**
 * Creates a client for Postgres over HTTP, without connecting. Each query, or each `batch` (one transaction), is one round trip.
 * @param proxy base URL of a server that speaks Neon's protocol for another PostgreSQL; empty for Neon itself.
 */
export function openDatabase(url: string, proxy: string, meter: RoundTripCounter) {
  neonConfig.fetchFunction = meteredFetch;
  if (proxy !== "") neonConfig.fetchEndpoint = `${proxy}/sql`;
  return drizzle(neon(url, { fetchOptions: { meter } }));
}

export type Database = ReturnType<typeof openDatabase>;

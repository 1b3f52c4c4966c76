import { Connection, type Target } from "./connection.ts";
import { workerdCpuMs } from "./cpu.ts";
import { quantile } from "./stats.ts";

export interface Sample {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** CPU time of workerd for each request; NaN where the system does not tell. */
  cpuMs: number;
}

/** In flight at once: enough to keep workerd's one thread busy. */
const connections = 32;

/** Loads a Worker for `seconds`: each connection sends its next request as soon as it has its reply. */
export async function load(target: Target, seconds: number): Promise<Sample> {
  const opened = await Promise.all(Array.from({ length: connections }, () => Connection.open(target)));
  const waits: number[] = [];
  const cpuBefore = workerdCpuMs();
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(
    opened.map(async (connection) => {
      for (let sent = start; sent < end;) {
        await connection.exchange();
        const received = performance.now();
        waits.push(received - sent);
        sent = received;
      }
    }),
  );
  const elapsedMs = performance.now() - start;
  const cpuMs = (workerdCpuMs() - cpuBefore) / waits.length;
  for (const connection of opened) connection.close();
  return { requestsPerSecond: (waits.length / elapsedMs) * 1000, ...waiting(waits), cpuMs };
}

/** How long clients waited, out of every wait in ms. */
export function waiting(waits: readonly number[]): { p50Ms: number; p99Ms: number } {
  return { p50Ms: quantile(waits, 0.5), p99Ms: quantile(waits, 0.99) };
}

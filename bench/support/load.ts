import { Connection, type Target } from "./connection.ts";
import { workerdCpuMs } from "./cpu.ts";
import { quantile } from "./stats.ts";

export interface Sample {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** CPU time of workerd per request. NaN without `/proc`. */
  cpuMs: number;
}

/** Concurrent requests, enough to keep workerd's one thread busy. */
const connections = 32;

/** Loads a Worker for `seconds`. Each connection sends its next request as soon as it has a response. */
export async function load(target: Target, seconds: number): Promise<Sample> {
  const opened = await Promise.all(Array.from({ length: connections }, () => Connection.open(target)));
  const latencies: number[] = [];
  const cpuBefore = workerdCpuMs();
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(
    opened.map(async (connection) => {
      for (let sent = start; sent < end;) {
        await connection.exchange();
        const received = performance.now();
        latencies.push(received - sent);
        sent = received;
      }
    }),
  );
  const elapsedMs = performance.now() - start;
  const cpuMs = (workerdCpuMs() - cpuBefore) / latencies.length;
  for (const connection of opened) connection.close();
  return { requestsPerSecond: (latencies.length / elapsedMs) * 1000, ...percentiles(latencies), cpuMs };
}

/** Percentiles of latencies in ms. */
export function percentiles(latencies: readonly number[]): { p50Ms: number; p99Ms: number } {
  return { p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
}

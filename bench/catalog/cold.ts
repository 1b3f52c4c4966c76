import { setTimeout as sleep } from "node:timers/promises";
import { startIsolates, startWorkerd } from "../../dev/wrangler/workerd.ts";
import { Connection } from "../support/connection.ts";
import { interleave } from "../support/interleave.ts";
import { percentiles, type Sample } from "../support/load.ts";
import { startMinimalWorker } from "../support/minimal-worker.ts";
import { path, recordResponse } from "./record-response.ts";
import type { BenchSetup } from "./setup.ts";

/** Isolates in one workerd. Each receives one request. */
const isolates = 16;

/** A response from KV starts a revalidation in the background. It ends within this time, before the next request. */
const settleMs = 25;

type Tier = "memory" | "kv" | "origin";

/**
 * Compares the production Worker, with no catalog in memory, to the baseline: the first response of a new isolate that has
 * evaluated its modules. Requests run one at a time, so the throughput is that of one sequential client.
 */
export async function compareCold(
  { bundle, bindings, baselinePath, publishedState }: BenchSetup,
  rounds: number,
): Promise<Record<"kv" | "postgres" | "baseline", Sample>[]> {
  const options = { modulePath: bundle.modulePath, bindings };
  const warm = await startWorkerd(options);
  const response = await recordResponse(warm.url);
  await warm.close();
  return interleave(rounds, {
    kv: async () => firstResponses(await startIsolates(isolates, { ...options, persist: publishedState }), "kv"),
    postgres: async () => firstResponses(await startIsolates(isolates, options), "origin"),
    baseline: async () => firstResponses(await startMinimalWorker(baselinePath, response, isolates), "memory"),
  });
}

/** Requests each URL once, then stops the isolates. @throws Error unless each response came from `tier` */
async function firstResponses(started: { urls: string[]; close(): Promise<void> }, tier: Tier): Promise<Sample> {
  const latencies: number[] = [];
  try {
    for (const url of started.urls) {
      const connection = await Connection.open({ url: new URL(path, url), headers: {}, status: 200 });
      const sent = performance.now();
      const head = await connection.exchange();
      latencies.push(performance.now() - sent);
      connection.close();
      if (!head.toLowerCase().includes(`\r\nx-cache: ${tier}`)) throw new Error(`Expected x-cache: ${tier}, received ${head}`);
      await sleep(settleMs);
    }
  } finally {
    await started.close();
  }
  const totalMs = latencies.reduce((total, latency) => total + latency, 0);
  return { requestsPerSecond: (latencies.length / totalMs) * 1000, ...percentiles(latencies), cpuMs: NaN };
}

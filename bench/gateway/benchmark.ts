import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startVendor } from "../../test/support/vendors/server.ts";
import { fakedVendor } from "../../test/support/vendors/vendors.ts";
import { Connection } from "../support/connection.ts";
import { interleave } from "../support/interleave.ts";
import { buildMinimalWorker, startMinimalWorker } from "../support/minimal-worker.ts";
import { median, quantile } from "../support/stats.ts";

const apiKey = "key-of-the-benchmark";

/** Requests before measurement, which load the SDK and warm up its code. */
const warmUpRequests = 300;

/** Measures the latency that the gateway adds to the first token, compared to direct calls of the same SDK model. */
export async function benchGateway(rounds: number, seconds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-bench-"));
  const provider = await startVendor(fakedVendor("custom").protocol, apiKey);
  try {
    console.log("Building the Worker …");
    const modulePath = await buildMinimalWorker(folder, join(import.meta.dirname, "worker.ts"));
    const worker = await startMinimalWorker(modulePath, { PROVIDER_URL: provider.baseUrl, PROVIDER_KEY: apiKey });
    try {
      await compareLatencies(worker.urls[0]!, rounds, seconds);
    } finally {
      await worker.close();
    }
  } finally {
    await provider.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function compareLatencies(workerUrl: string, rounds: number, seconds: number): Promise<void> {
  const open = (path: string) => Connection.open({ url: new URL(path, workerUrl), headers: {}, status: 200 });
  const [gateway, direct] = [await open("/gateway"), await open("/direct")];
  for (let request = 0; request < warmUpRequests; request += 1) {
    await gateway.exchange();
    await direct.exchange();
  }
  console.log(`Requesting first tokens in turn, ${rounds} rounds of ${seconds} s each …`);
  const samples = await interleave(rounds, {
    gateway: () => measureLatencies(gateway, seconds),
    direct: () => measureLatencies(direct, seconds),
  });
  gateway.close();
  direct.close();
  const p50 = (value: (round: (typeof samples)[number]) => number) => median(samples.map(value)).toFixed(2);
  console.log(`direct first token ms p50 ${p50((round) => quantile(round.direct, 0.5))}`);
  console.log(`gateway first token ms p50 ${p50((round) => quantile(round.gateway, 0.5))}`);
  console.log(`gateway added ms p50 ${p50((round) => quantile(round.gateway, 0.5) - quantile(round.direct, 0.5))}`);
}

/** Sends requests one at a time for `seconds`, and returns the latency of each in ms. */
async function measureLatencies(connection: Connection, seconds: number): Promise<number[]> {
  const latencies: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let sent = performance.now(); sent < end;) {
    await connection.exchange();
    const received = performance.now();
    latencies.push(received - sent);
    sent = received;
  }
  return latencies;
}

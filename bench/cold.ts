import { setTimeout as pause } from "node:timers/promises";
import { startIsolates, startWorkerd, type WorkerdOptions } from "../dev/wrangler/workerd.ts";
import { alternate } from "./alternate.ts";
import { captureReply, path } from "./capture.ts";
import { Connection } from "./connection.ts";
import { waiting, type Sample } from "./load.ts";
import type { Rig } from "./rig.ts";

/** Isolates that one workerd holds at once, each to be asked once. */
const isolates = 16;

/** Until the check that follows a reply out of KV is done, so that it does not meet the next request. */
const settleMs = 25;

/**
 * Our Worker with nothing in memory against the bare one: the first reply of a new isolate, whose modules are evaluated
 * already. Asked one at a time; the throughput is that of a client that does nothing but wait.
 */
export async function compareCold(rig: Rig, rounds: number): Promise<Record<"kv" | "postgres" | "bare", Sample>[]> {
  const ours = { modulePath: rig.ours.modulePath, bindings: rig.bindings };
  const warm = await startWorkerd(ours);
  const reply = await captureReply(warm.url);
  await warm.close();
  return alternate(rounds, {
    kv: () => firstReplies({ ...ours, persist: rig.publishedState }, "kv"),
    postgres: () => firstReplies(ours, "origin"),
    bare: () => firstReplies({ modulePath: rig.bare.modulePath, bindings: reply }, "memory"),
  });
}

/** @throws Error if a reply did not come from `tier` */
async function firstReplies(options: WorkerdOptions, tier: string): Promise<Sample> {
  const { urls, close } = await startIsolates(isolates, options);
  const waits: number[] = [];
  try {
    for (const url of urls) {
      const connection = await Connection.open({ url: new URL(path, url), headers: {}, status: 200 });
      const sent = performance.now();
      const head = await connection.exchange();
      waits.push(performance.now() - sent);
      connection.close();
      if (!head.toLowerCase().includes(`\r\nx-cache: ${tier}`)) throw new Error(`Not from ${tier}: ${head}`);
      await pause(settleMs);
    }
  } finally {
    await close();
  }
  const waitedMs = waits.reduce((total, wait) => total + wait, 0);
  return { requestsPerSecond: (waits.length / waitedMs) * 1000, ...waiting(waits), cpuMs: NaN };
}

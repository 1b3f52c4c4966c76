import { compareCold } from "./cold.ts";
import { printRatios, printTable, type Duel } from "../support/report.ts";
import { openRig } from "./setup.ts";
import { startupCpuMs } from "./startup.ts";
import { compareWarm } from "./warm.ts";

/** The catalog's read path against a bare Hono Worker that gives the same reply, and what our bundle weighs. */
export async function benchCatalog(rounds: number, seconds: number): Promise<void> {
  console.log("Starting Postgres and building both Workers …");
  const rig = await openRig();
  try {
    console.log("Profiling the start-up …");
    const startup = await startupCpuMs(rig.ours.uploadPath, rig.folder);
    console.log(`Loading both in turn, ${rounds} rounds of ${seconds} s each …`);
    const { warm, notModified } = await compareWarm(rig, rounds, seconds);
    console.log("Asking new isolates …");
    const cold = await compareCold(rig, rounds);
    const duels: Record<string, Duel> = {
      warm,
      "not-modified": notModified,
      "kv-tier": cold.map(({ kv, bare }) => ({ ours: kv, bare })),
      "postgres-tier": cold.map(({ postgres, bare }) => ({ ours: postgres, bare })),
    };

    console.log(
      "\nMedians over the rounds. The tiers: the first reply of a new isolate, asked one at a time; p99 is the slowest.\n",
    );
    printTable(duels);
    console.log(
      "\nOurs ÷ bare: throughput, more is better; p99, less is better. Bare ÷ ours: cpu-per-request, more is better.\n",
    );
    printRatios(duels);
    console.log(`bundle raw KiB ${(rig.ours.rawBytes / 1024).toFixed(1)}`);
    console.log(`bundle gzip KiB ${(rig.ours.gzipBytes / 1024).toFixed(1)}`);
    console.log(`startup cpu ms ${startup.toFixed(1)}`);
  } finally {
    await rig.close();
  }
}

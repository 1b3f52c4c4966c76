import { printRatios, printTable, type Comparison } from "../support/report.ts";
import { compareCold } from "./cold.ts";
import { openSetup } from "./setup.ts";
import { startupCpuMs } from "./startup.ts";
import { compareWarm } from "./warm.ts";

/** Compares the catalog's read path to a minimal Hono Worker with the same response, and measures the production bundle. */
export async function benchCatalog(rounds: number, seconds: number): Promise<void> {
  console.log("Starting Postgres and building both Workers …");
  const setup = await openSetup();
  try {
    console.log("Profiling the startup …");
    const startup = await startupCpuMs(setup.bundle.uploadPath, setup.folder);
    console.log(`Loading both Workers in turn, ${rounds} rounds of ${seconds} s each …`);
    const { warm, notModified } = await compareWarm(setup, rounds, seconds);
    console.log("Requesting first responses of new isolates …");
    const cold = await compareCold(setup, rounds);
    const comparisons: Record<string, Comparison> = {
      warm,
      "not-modified": notModified,
      "kv-tier": cold.map(({ kv, baseline }) => ({ spiritforge: kv, baseline })),
      "postgres-tier": cold.map(({ postgres, baseline }) => ({ spiritforge: postgres, baseline })),
    };

    console.log(
      "\nMedians over the rounds. The tiers measure the first response of new isolates, one at a time; their p99 is the maximum.\n",
    );
    printTable(comparisons);
    console.log(
      "\nSpiritforge ÷ baseline: higher throughput is better, lower p99 is better. Baseline ÷ spiritforge: higher cpu-per-request is better.\n",
    );
    printRatios(comparisons);
    console.log(`bundle raw KiB ${(setup.bundle.rawBytes / 1024).toFixed(1)}`);
    console.log(`bundle gzip KiB ${(setup.bundle.gzipBytes / 1024).toFixed(1)}`);
    console.log(`startup cpu ms ${startup.toFixed(1)}`);
  } finally {
    await setup.close();
  }
}

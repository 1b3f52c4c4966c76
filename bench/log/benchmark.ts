import { join } from "node:path";
import { buildWorker, startWorkerd } from "../../dev/wrangler/workerd.ts";
import { startBackend } from "../support/backend.ts";
import { interleave } from "../support/interleave.ts";
import { load } from "../support/load.ts";
import { median } from "../support/stats.ts";

/** Rounds before measurement, in which the JIT compiler settles. */
const warmUpRounds = 2;

/** Compares requests that write their line to the log to the same requests without it. */
export async function benchLog(rounds: number, seconds: number): Promise<void> {
  console.log("Starting Postgres and building both Workers …");
  const backend = await startBackend();
  const start = async (folder: string, entry: string) => {
    const { modulePath } = await buildWorker(join(backend.folder, folder), entry);
    return startWorkerd({ modulePath, bindings: backend.bindings, log: () => {} });
  };
  const workers = [await start("logged", "src/index.ts"), await start("silent", "bench/log/silent-worker.ts")] as const;
  try {
    console.log(`Loading both Workers in turn, ${rounds} rounds of ${seconds} s each …`);
    const loadOf = (url: string) => () => load({ url: new URL("/api/v2/spirits", url), headers: {}, status: 200 }, seconds);
    const [logged, silent] = workers;
    const results = await interleave(warmUpRounds + rounds, { logged: loadOf(logged.url), silent: loadOf(silent.url) });
    const measured = results.slice(warmUpRounds);
    const ratio = (of: (round: (typeof measured)[number]) => number) => median(measured.map(of)).toFixed(2);
    console.log(
      `request with its log line throughput ratio to one without ${ratio((round) => round.logged.requestsPerSecond / round.silent.requestsPerSecond)}`,
    );
    console.log(
      `request with its log line p50 ratio to one without ${ratio((round) => round.logged.p50Ms / round.silent.p50Ms)}`,
    );
  } finally {
    for (const { close } of workers) await close();
    await backend.close();
  }
}

import { startWorkerd } from "../../dev/wrangler/workerd.ts";
import { startMinimalWorker } from "../support/minimal-worker.ts";
import { interleave } from "../support/interleave.ts";
import { load } from "../support/load.ts";
import type { Comparison } from "../support/report.ts";
import { path, recordedEtag, recordResponse } from "./record-response.ts";
import type { BenchSetup } from "./setup.ts";

/** Rounds before measurement, in which the JIT compiler settles. */
const warmUpRounds = 2;

/** Compares the production Worker, with the catalog in memory, to the baseline: full responses and 304. */
export async function compareWarm(
  { bundle, bindings, baselinePath }: BenchSetup,
  rounds: number,
  seconds: number,
): Promise<{ warm: Comparison; notModified: Comparison }> {
  const production = await startWorkerd({ modulePath: bundle.modulePath, bindings });

  async function compare(headers: Record<string, string>): Promise<Comparison> {
    const response = await recordResponse(production.url, headers);
    const baseline = await startMinimalWorker(baselinePath, response);
    const loadOf = (url: string) => () => load({ url: new URL(path, url), headers, status: Number(response.STATUS) }, seconds);
    try {
      const results = await interleave(warmUpRounds + rounds, {
        spiritforge: loadOf(production.url),
        baseline: loadOf(baseline.urls[0]!),
      });
      return results.slice(warmUpRounds);
    } finally {
      await baseline.close();
    }
  }

  try {
    return {
      warm: await compare({}),
      notModified: await compare({ "if-none-match": recordedEtag(await recordResponse(production.url)) }),
    };
  } finally {
    await production.close();
  }
}

import { startWorkerd } from "../dev/wrangler/workerd.ts";
import { alternate } from "./alternate.ts";
import { captureReply, etagOf, path } from "./capture.ts";
import { load } from "./load.ts";
import type { Duel } from "./report.ts";
import type { Rig } from "./rig.ts";

/** Rounds that are not counted, until the JIT has settled. */
const warmUpRounds = 2;

/** Our Worker with the catalog in memory against the bare one: whole replies, and 304. */
export async function compareWarm(rig: Rig, rounds: number, seconds: number): Promise<{ warm: Duel; notModified: Duel }> {
  const ours = await startWorkerd({ modulePath: rig.ours.modulePath, bindings: rig.bindings });

  async function duel(headers: Record<string, string>): Promise<Duel> {
    const reply = await captureReply(ours.url, headers);
    const bare = await startWorkerd({ modulePath: rig.bare.modulePath, bindings: reply });
    const loading = (url: string) => () => load({ url: new URL(path, url), headers, status: Number(reply.STATUS) }, seconds);
    try {
      const results = await alternate(warmUpRounds + rounds, { ours: loading(ours.url), bare: loading(bare.url) });
      return results.slice(warmUpRounds);
    } finally {
      await bare.close();
    }
  }

  try {
    return {
      warm: await duel({}),
      notModified: await duel({ "if-none-match": etagOf(await captureReply(ours.url)) }),
    };
  } finally {
    await ours.close();
  }
}

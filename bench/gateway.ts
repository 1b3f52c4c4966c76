import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_readConfig } from "wrangler";
import { UserError } from "../dev/user-error.ts";
import { exec } from "../dev/exec.ts";
import { startVendor } from "../test/support/vendors/server.ts";
import { fakedVendor } from "../test/support/vendors/vendors.ts";
import { alternate } from "./alternate.ts";
import { Connection } from "./connection.ts";
import { median, quantile } from "./stats.ts";

const apiKey = "key-of-the-benchmark";

/** Requests before anything is measured: the SDK is loaded, and its code is warm. */
const warmUp = 300;

/** What the gateway adds to the time to the first token: the same model of the same SDK, asked by it and past it in turn. */
export async function benchGateway(rounds: number, seconds: number): Promise<void> {
  console.log("Building the Worker …");
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-bench-"));
  const vendor = await startVendor(fakedVendor("custom").protocol, apiKey);
  const worker = await startWorker(folder, { VENDOR_URL: vendor.baseUrl, VENDOR_KEY: apiKey });
  try {
    const ask = async (path: string) => {
      const url = new URL(path, worker.url);
      const connection = await Connection.open({ url, headers: {}, status: 200 });
      return { one: () => connection.exchange(), close: () => connection.close() };
    };
    const [gateway, direct] = [await ask("/gateway"), await ask("/direct")];
    for (let request = 0; request < warmUp; request += 1) {
      await gateway.one();
      await direct.one();
    }
    console.log(`Asking in turn for a first token, ${rounds} rounds of ${seconds} s each …`);
    const samples = await alternate(rounds, {
      gateway: () => waits(gateway.one, seconds),
      direct: () => waits(direct.one, seconds),
    });
    const p50 = (of: (round: (typeof samples)[number]) => number) => median(samples.map(of));
    console.log(`direct first token ms p50 ${p50((round) => quantile(round.direct, 0.5)).toFixed(2)}`);
    console.log(`gateway first token ms p50 ${p50((round) => quantile(round.gateway, 0.5)).toFixed(2)}`);
    const added = p50((round) => quantile(round.gateway, 0.5) - quantile(round.direct, 0.5));
    console.log(`gateway added ms p50 ${added.toFixed(2)}`);
    gateway.close();
    direct.close();
  } finally {
    await worker.close();
    await vendor.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** How long each of the requests of `seconds` took, one after the other, in ms. */
async function waits(one: () => Promise<unknown>, seconds: number): Promise<number[]> {
  const taken: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let sent = performance.now(); sent < end;) {
    await one();
    const received = performance.now();
    taken.push(received - sent);
    sent = received;
  }
  return taken;
}

/** The bench Worker in workerd, on a socket of its own. It has no bindings but these, so that nothing else is measured. */
async function startWorker(folder: string, bindings: Record<string, string>): Promise<{ url: string; close(): Promise<void> }> {
  const { compatibility_date, compatibility_flags } = unstable_readConfig({ config: "wrangler.toml" });
  const config = join(folder, "wrangler.json");
  const main = join(import.meta.dirname, "gateway-worker.ts");
  await writeFile(config, JSON.stringify({ name: "bench-gateway", main, compatibility_date, compatibility_flags }));
  const { ok, output } = await exec("wrangler", ["deploy", "--dry-run", "--config", config, "--outdir", folder]);
  if (!ok) throw new UserError(`${main} does not build:\n${output}`);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          name: "bench-gateway",
          modules: true,
          script: await readFile(join(folder, "gateway-worker.js"), "utf8"),
          compatibilityDate: compatibility_date!,
          compatibilityFlags: compatibility_flags,
          bindings,
          unsafeDirectSockets: [{}],
        },
      ],
    }),
  );
  const { origin } = await miniflare.unsafeGetDirectURL("bench-gateway");
  return { url: origin, close: () => miniflare.dispose() };
}

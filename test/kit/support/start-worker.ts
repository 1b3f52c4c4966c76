import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { exec } from "../../../dev/exec.ts";
import { productionConfig } from "../../../dev/wrangler/config.ts";
import type { Errand } from "./worker.ts";

export type Probe = { run<T>(errand: Errand): Promise<T>; close(): Promise<void> };

/** The probe in a workerd whose calls go out by themselves: those of wrangler's test harness go by way of Node, which follows redirects. */
export async function startProbe(): Promise<Probe> {
  const { compatibility_date, compatibility_flags } = productionConfig();
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-probe-"));
  const config = join(folder, "wrangler.json");
  const main = join(import.meta.dirname, "worker.ts");
  await writeFile(config, JSON.stringify({ name: "probe", main, compatibility_date, compatibility_flags }));
  const { ok, output } = await exec("wrangler", ["deploy", "--dry-run", "--config", config, "--outdir", folder]);
  if (!ok) throw new Error(output);
  const script = await readFile(join(folder, "worker.js"), "utf8");
  await rm(folder, { recursive: true });
  const runtime = { compatibilityDate: compatibility_date, compatibilityFlags: compatibility_flags };
  const worker = { name: "probe", modules: true, script, ...runtime, unsafeDirectSockets: [{}] };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers: [worker] }));
  const url = await miniflare.unsafeGetDirectURL("probe");
  return {
    async run<T>(errand: Errand) {
      const reply = await fetch(url, { method: "POST", body: JSON.stringify(errand) });
      return (await reply.json()) as T;
    },
    close: () => miniflare.dispose(),
  };
}

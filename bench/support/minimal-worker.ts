import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { UserError } from "../../dev/user-error.ts";
import { productionConfig } from "../../dev/wrangler/config.ts";
import { exec } from "../../dev/exec.ts";

const { compatibility_date, compatibility_flags } = productionConfig();

/**
 * Bundles a Worker that has no bindings of wrangler.toml.
 *
 * @param folder the folder for the bundle
 * @param main the path of the entry module
 * @returns the path of the bundled module
 * @throws UserError with the output of wrangler
 */
export async function buildMinimalWorker(folder: string, main: string): Promise<string> {
  const config = join(folder, "wrangler.json");
  await writeFile(config, JSON.stringify({ name: "bench", main, compatibility_date, compatibility_flags }));
  const { ok, output } = await exec("wrangler", ["deploy", "--dry-run", "--config", config, "--outdir", folder]);
  if (!ok) throw new UserError(`${main} does not build:\n${output}`);
  return join(folder, `${basename(main, ".ts")}.js`);
}

/** Runs `count` isolates of a bundled Worker in one workerd, each on its own socket, with no bindings except text. */
export async function startMinimalWorker(
  modulePath: string,
  bindings: Record<string, string>,
  count = 1,
): Promise<{ urls: string[]; close(): Promise<void> }> {
  const worker = {
    modules: true,
    script: await readFile(modulePath, "utf8"),
    compatibilityDate: compatibility_date,
    compatibilityFlags: compatibility_flags,
    bindings,
    unsafeDirectSockets: [{}],
  };
  const names = Array.from({ length: count }, (_, index) => `bench-${index}`);
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers: names.map((name) => ({ ...worker, name })) }));
  const urls = await Promise.all(names.map((name) => miniflare.unsafeGetDirectURL(name)));
  return { urls: urls.map(({ origin }) => origin), close: () => miniflare.dispose() };
}

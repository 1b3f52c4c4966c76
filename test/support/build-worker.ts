import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unstable_readConfig as readConfig } from "wrangler";
import { exec } from "../../dev/exec.ts";

export type BuiltWorker = {
  /** The one module that holds the Worker. */
  modulePath: string;
  /** The configuration of wrangler.toml, with nothing left to build. */
  configPath: string;
};

/**
 * Bundles the Worker as a deploy would, once for many harnesses.
 * @param name an environment of wrangler.toml: development is what it says by default
 */
export async function buildWorker(folder: string, name: "development" | "production"): Promise<BuiltWorker> {
  const env = name === "production" ? name : undefined;
  const bundle = join(folder, name, "bundle");
  await mkdir(bundle, { recursive: true });
  const args = ["deploy", "--dry-run", "--outdir", bundle, ...(env === undefined ? [] : ["--env", env])];
  const { ok, output } = await exec("wrangler", args);
  if (!ok) throw new Error(`The Worker of ${name} does not build:\n${output}`);
  // Workers AI takes an account.
  const { build: _, ai: _ai, main, assets, ...config } = readConfig({ config: "wrangler.toml", ...(env && { env }) });
  const modulePath = join(bundle, `${main!.split("/").at(-1)!.replace(/\.ts$/, "")}.js`);
  const configPath = join(folder, name, "wrangler.json");
  const built = {
    ...config,
    main: modulePath,
    no_bundle: true,
    assets: { ...assets, directory: join(process.cwd(), "public") },
  };
  await writeFile(configPath, JSON.stringify(built));
  return { modulePath, configPath };
}

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { developmentConfig, productionConfig, type WranglerConfig } from "../../dev/wrangler/config.ts";
import { developmentWorker } from "../../dev/wrangler/vars.ts";
import { buildWorker } from "../../dev/wrangler/workerd.ts";

export type BuiltWorker = {
  /** The one module that holds the Worker. */
  modulePath: string;
  /** Its configuration, with nothing left to build. */
  configPath: string;
};

/** Bundles the Worker of wrangler.toml as a deploy does, once for many harnesses. */
export function buildProduction(folder: string): Promise<BuiltWorker> {
  return build(join(folder, "production"), "src/index.ts", productionConfig());
}

/** The same for the Worker of `npm run dev`. */
export function buildDevelopment(folder: string): Promise<BuiltWorker> {
  return build(join(folder, "development"), developmentWorker.main, developmentConfig());
}

async function build(folder: string, entry: string, config: WranglerConfig): Promise<BuiltWorker> {
  const { modulePath } = await buildWorker(folder, entry);
  const configPath = join(folder, "wrangler.json");
  const assets = { ...config.assets, directory: join(process.cwd(), "public") };
  // Workers AI takes an account.
  const built = { ...config, build: undefined, ai: undefined, main: modulePath, no_bundle: true, assets };
  await writeFile(configPath, JSON.stringify(built));
  return { modulePath, configPath };
}

import { join } from "node:path";
import { unstable_readConfig } from "wrangler";
import { developmentVars, developmentWorker } from "./vars.ts";

const root = join(import.meta.dirname, "../..");

/** What is read of wrangler.toml. (wrangler's own type of it refers to a package that is not published.) */
export interface WranglerConfig {
  name: string;
  main: string;
  compatibility_date: string;
  compatibility_flags: string[];
  assets: { directory: string };
  vars: Record<string, string | Record<string, number>> & { PUBLIC_URL: string };
  kv_namespaces: { binding: string; preview_id: string }[];
  r2_buckets: { binding: string; preview_bucket_name: string }[];
  queues: {
    producers: { binding: string; queue: string }[];
    consumers: { queue: string; max_retries: number; dead_letter_queue?: string }[];
  };
  durable_objects: { bindings: { name: string; class_name: string }[] };
  triggers: { crons: string[] };
  ratelimits: { name: string; namespace_id: string; simple: { limit: number; period: 10 | 60 } }[];
  ai?: { binding: string };
}

/** wrangler.toml: the Worker of production. */
export function productionConfig(): WranglerConfig {
  return unstable_readConfig({ config: join(root, "wrangler.toml") }, { hideWarnings: true });
}

/** The same bindings for the Worker of development, with its vars. */
export function developmentConfig(): WranglerConfig {
  const { ai: _, ...config } = productionConfig();
  const { name, main } = developmentWorker;
  return { ...config, name, main: join(root, main), vars: { ...config.vars, ...developmentVars } };
}

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { convertV4MiniflareOptions, Miniflare, Response as MiniflareResponse } from "miniflare";
import { UserError } from "../user-error.ts";
import { exec } from "../exec.ts";
import { developmentConfig } from "./config.ts";

export interface Bundle {
  /** The one module that holds the Worker. */
  modulePath: string;
  /** The same as it would be uploaded: what `wrangler check startup --worker-bundle` takes. */
  uploadPath: string;
  rawBytes: number;
  gzipBytes: number;
}

/**
 * Bundles a Worker as a deploy to production does.
 *
 * @param folder where the bundle is written
 * @param entry the module to start from, seen from the root of the repository
 * @throws UserError with the output of wrangler
 */
export async function buildWorker(folder: string, entry = "src/index.ts"): Promise<Bundle> {
  const uploadPath = join(folder, "worker.bundle");
  const args = ["deploy", entry, "--dry-run", "--outdir", folder, "--outfile", uploadPath];
  const { ok, output } = await exec("wrangler", args);
  if (!ok) throw new UserError(`${entry} does not build:\n${output}`);
  const modulePath = join(folder, `${basename(entry, ".ts")}.js`);
  const code = await readFile(modulePath);
  return { modulePath, uploadPath, rawBytes: code.byteLength, gzipBytes: gzipSync(code).byteLength };
}

export interface WorkerdOptions {
  /** A Worker in one module, such as `buildWorker` makes. */
  modulePath: string;
  /** Vars and secrets, over the vars of development. */
  bindings?: Record<string, string>;
  /** Durable Objects beside those of wrangler.toml: binding → class. */
  objects?: Record<string, string>;
  /** Folder for the state of KV, R2, queues and objects; a temporary one if left out. */
  persist?: string;
  /** Answers what the Worker fetches, in place of the network. */
  outbound?: (request: Request) => Promise<Response>;
  /** Takes what the Worker logs; it is printed if left out. */
  log?: (message: string) => void;
}

export interface Workerd {
  /** `http://127.0.0.1:<port>` */
  url: string;
  close(): Promise<void>;
}

/**
 * Runs a bundled Worker in a workerd of its own, on a socket with nothing before it: no proxy, no assets. Its bindings are
 * those of wrangler.toml, simulated; `.dev.vars` is not read.
 */
export async function startWorkerd(options: WorkerdOptions): Promise<Workerd> {
  const { urls, close } = await startIsolates(1, options);
  return { url: urls[0]!, close };
}

/**
 * Options of Miniflare for a Worker in one module, which workerd fetches: Miniflare encodes its configuration in time that grows with the
 * square of its size.
 */
export async function fetchedBundle(modulePath: string) {
  const bundle = Buffer.from(JSON.stringify({ name: "bundle.js", esModule: await readFile(modulePath, "utf8") }));
  return {
    worker: {
      modules: true,
      script: 'export * from "./bundle.js"; export { default } from "./bundle.js";',
      unsafeUseModuleFallbackService: true,
    },
    shared: {
      unsafeModuleFallbackService: ({ url }: { url: string }) =>
        new URL(url).searchParams.get("specifier") === "/bundle.js"
          ? new MiniflareResponse(bundle)
          : new MiniflareResponse(null, { status: 404 }),
    },
  };
}

/** As `startWorkerd`, with `count` copies of the Worker: each in an isolate and on a socket of its own, all on the same state. */
export async function startIsolates(
  count: number,
  options: WorkerdOptions,
): Promise<{ urls: string[]; close(): Promise<void> }> {
  const { modulePath, bindings, objects, persist, outbound, log } = options;
  const config = developmentConfig();
  const fetched = await fetchedBundle(modulePath);
  const worker = {
    ...fetched.worker,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    bindings: { ...config.vars, ...bindings },
    kvNamespaces: Object.fromEntries(config.kv_namespaces.map(({ binding, preview_id }) => [binding, preview_id])),
    r2Buckets: Object.fromEntries(config.r2_buckets.map(({ binding, preview_bucket_name }) => [binding, preview_bucket_name])),
    durableObjects: Object.fromEntries(
      [
        ...config.durable_objects.bindings.map(({ name, class_name }) => [name, class_name]),
        ...Object.entries(objects ?? {}),
      ].map(([name, className]) => [name!, { className: className!, useSQLite: true }]),
    ),
    ratelimits: Object.fromEntries(config.ratelimits.map(({ name, ...limit }) => [name, limit])),
    queueProducers: Object.fromEntries(config.queues.producers.map(({ binding, queue }) => [binding, queue])),
    unsafeDirectSockets: [{}],
    ...(outbound === undefined ? {} : { outboundService: outbound }),
  };
  const names = Array.from({ length: count }, (_, index) => `worker-${index}`);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: names.map((name) => ({ ...worker, name })),
      ...fetched.shared,
      ...(persist === undefined ? {} : { resourcePersistencePath: persist }),
      ...(log === undefined ? {} : { handleStructuredLogs: ({ message }) => log(message) }),
    }),
  );
  try {
    const urls = await Promise.all(names.map((name) => miniflare.unsafeGetDirectURL(name)));
    return { urls: urls.map(({ origin }) => origin), close: () => miniflare.dispose() };
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
}

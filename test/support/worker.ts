import { convertV4MiniflareOptions, Miniflare, type Request, type Response } from "miniflare";
import {
  unstable_getMiniflareWorkerOptions as workerOptionsOf,
  unstable_readConfig as readConfig,
  type WorkerHandle,
} from "wrangler";
import { fetchedBundle } from "../../dev/wrangler/workerd.ts";
import type { BuiltWorker } from "./build-worker.ts";

/** What a test reaches beside the Worker's own address, as wrangler's test harness gives it. */
export type TestWorker<Env = Cloudflare.Env> = Pick<
  WorkerHandle<Env>,
  "getEnv" | "scheduled" | "evictDurableObject" | "getDurableObjectStorage" | "listDurableObjectIds"
> & {
  url: URL;
  /** Asks under any host name. */
  fetch(url: string): Promise<{ status: number }>;
  /** What the Worker logged so far. */
  logs(): string[];
  /** The inspector of the Worker, if it has one. */
  inspectorUrl(): Promise<URL>;
  close(): Promise<void>;
};

export type RateLimit = { namespace_id: string; simple: { limit: number; period: 10 | 60 } };

/** Options of Miniflare that a caller sets over those of the configuration. */
export type WorkerOverrides = {
  ratelimits?: Record<string, RateLimit>;
  /** Whether the Worker has an inspector. */
  inspector?: boolean;
  /** Answers what the Worker fetches, in place of the network. */
  outboundService?: (request: Request) => Promise<Response>;
};

type Options = {
  bindings: Record<string, string | Record<string, number>>;
  durableObjects: Record<string, { className: string }>;
  modulesRules: unknown;
};

/**
 * A bundled Worker in workerd, with the bindings, queues, cron and assets of its configuration, all simulated and its own. It is what
 * wrangler's test harness runs, without the development proxy before it: that is a second workerd, which each request would pass.
 */
export async function startWorker<Env = Cloudflare.Env>(
  { configPath, modulePath }: BuiltWorker,
  settings: Record<string, string>,
  { inspector = false, ...overrides }: WorkerOverrides = {},
): Promise<TestWorker<Env>> {
  const config = readConfig({ config: configPath }, { hideWarnings: true });
  // Their type is an index signature. The rules are for what is not bundled.
  const { modulesRules: _, ...options } = workerOptionsOf(config).workerOptions as unknown as Options;
  const { bindings, durableObjects } = options;
  const name = config.name!;
  const fetched = await fetchedBundle(modulePath);
  const logs: string[] = [];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          ...options,
          ...(overrides as object),
          name,
          ...fetched.worker,
          bindings: { ...bindings, ...settings },
        },
      ],
      ...fetched.shared,
      ...(inspector ? { inspectorPort: 0 } : {}),
      handleStructuredLogs: ({ message }) => void logs.push(message),
      unsafeTriggerHandlers: true,
      unsafeInspectDurableObjects: true,
      logRequests: false,
    }),
  );
  const classOf = (binding: PropertyKey) => durableObjects[String(binding)]!.className;
  return {
    url: await miniflare.ready,
    fetch: (url) => miniflare.dispatchFetch(url),
    logs: () => [...logs],
    inspectorUrl: async () => new URL(`/core:user:${name}`, await miniflare.getInspectorURL()),
    close: () => miniflare.dispose(),
    getEnv: () => miniflare.getBindings<Env>(name),
    async scheduled({ cron = "" } = {}) {
      const reply = await miniflare.dispatchFetch(
        `http://localhost/cdn-cgi/local/scheduled?format=json&cron=${encodeURIComponent(cron)}`,
      );
      return (await reply.json()) as Awaited<ReturnType<WorkerHandle["scheduled"]>>;
    },
    evictDurableObject: (binding, which) => miniflare.unsafeEvictDurableObject(name, classOf(binding), which),
    listDurableObjectIds: (binding) => miniflare.listDurableObjectIds(classOf(binding), name),
    getDurableObjectStorage: (binding, which) => miniflare.unsafeGetDurableObjectStorage(name, classOf(binding), which),
  };
}

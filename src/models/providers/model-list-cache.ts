import type { Ctx } from "../../context.ts";
import { TieredCache, type CacheSources } from "../../kit/async/tiered-cache.ts";
import { log } from "../../kit/log.ts";
import { operatorFetch } from "./guarded-fetch.ts";
import type { ModelSummary } from "../constants.ts";
import type { ProviderName } from "./providers.ts";
import { openProvider } from "./registry.ts";
import { operatorSettings } from "./settings.ts";

/** The model list of a provider and the time of the request. */
export type ModelList = { models: readonly ModelSummary[]; asked_at: string };

/** Cached lists are fresh for an hour. For a day, they are served stale while they are refreshed after the reply. */
const ages = { freshMs: 3_600_000, maxStaleMs: 86_400_000 };

const memory = new Map<string, TieredCache<ModelList>>();

/** A source of a model list. */
export type ModelListSource = { name: ProviderName; base_url: string | null; list(): Promise<readonly ModelSummary[]> };

/** The public model list of a provider, requested without a key. */
export function publicModelList(ctx: Ctx, name: ProviderName): ModelListSource {
  const { base_url, listModels } = openProvider(name);
  const settings = {
    anonymous: true,
    ...operatorSettings(ctx),
    ...(base_url === null ? {} : { fetch: operatorFetch(base_url) }),
  };
  return { name, base_url, list: () => listModels(settings) };
}

/**
 * Reads a public model list from memory, KV or the provider. If the provider is unavailable, its last list is returned with its time.
 * No other list is cached: a list for a key may be private to its owner, so the NIM sync always requests it, and the list of an
 * Ollama server is read live.
 * @throws ProviderError if the provider fails and no list is cached
 */
export async function readModelList(ctx: Ctx, lister: ModelListSource): Promise<ModelList> {
  const { value } = await cacheFor(lister).read(ages, sourcesOf(ctx, lister));
  return value;
}

/** Refreshes a cached list after the reply, even if it is fresh. */
export function refreshModelList(ctx: Ctx, lister: ModelListSource): void {
  const refreshed = fetchOnce(ctx.background(), lister).then(
    (list) => cacheFor(lister).set(list),
    () => undefined, // The failure is logged, and the cached list stays.
  );
  ctx.waitUntil(refreshed);
}

/** The KV key. Increase the number when `ModelList` changes, because an older Worker may still read it. */
const keyOf = ({ name, base_url }: ModelListSource) => `model-list:1:${name}:${base_url ?? ""}`;

function cacheFor(lister: ModelListSource): TieredCache<ModelList> {
  const key = keyOf(lister);
  const cached = memory.get(key) ?? new TieredCache<ModelList>();
  memory.set(key, cached);
  return cached;
}

function sourcesOf(ctx: Ctx, lister: ModelListSource): CacheSources<ModelList> {
  const background = ctx.background();
  const copy = () => background.cache.get<ModelList>(keyOf(lister));
  return {
    fromKv: copy,
    async fetchOrigin(cached) {
      // The held list may come from KV, and another isolate may have refreshed KV since.
      const known = isFresh(cached) ? cached : await copy().catch(() => null);
      return isFresh(known) ? known : fetchOnce(background, lister);
    },
    waitUntil: (work) => ctx.waitUntil(work),
  };
}

function isFresh(list: ModelList | null | undefined): list is ModelList {
  return list != null && Date.now() - Date.parse(list.asked_at) < ages.freshMs;
}

async function fetchOnce(ctx: Ctx, lister: ModelListSource): Promise<ModelList> {
  const of = { request_id: ctx.requestId, provider: lister.name };
  try {
    const list = { models: await lister.list(), asked_at: new Date().toISOString() };
    const stored = ctx.cache.put(keyOf(lister), list, (ages.freshMs + ages.maxStaleMs) / 1_000);
    ctx.waitUntil(
      stored.catch((error: unknown) => log("warn", "Failed to cache the model list of a provider.", { ...of, error })),
    );
    return list;
  } catch (error) {
    log("warn", "A provider failed to list its models.", { ...of, error });
    throw error;
  }
}

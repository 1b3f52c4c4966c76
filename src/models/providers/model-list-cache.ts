import type { Ctx } from "../../context.ts";
import { TieredCache, type CacheSources } from "../../kit/async/tiered-cache.ts";
import { log } from "../../kit/log.ts";
import { operatorFetch } from "./guarded-fetch.ts";
import type { ModelSummary } from "../constants.ts";
import type { ProviderName } from "./providers.ts";
import { openProvider } from "./registry.ts";
import { workersAiSettings } from "./settings.ts";

/** What a provider said that it has, and when it was asked. */
export type ModelList = { models: readonly ModelSummary[]; asked_at: string };

/** Lists change within days: an hour is fresh, and a day serves while the provider is asked again behind the reply. */
const ages = { freshMs: 3_600_000, maxStaleMs: 86_400_000 };

const memory = new Map<string, TieredCache<ModelList>>();

/** How a provider is asked for its list. */
export type ModelListSource = { name: ProviderName; base_url: string | null; list(): Promise<readonly ModelSummary[]> };

/** A provider at its own address, asked without a key. */
export function publicModelList(ctx: Ctx, name: ProviderName): ModelListSource {
  const { base_url, listModels } = openProvider(name);
  const settings = {
    anonymous: true,
    ...workersAiSettings(ctx),
    ...(base_url === null ? {} : { fetch: operatorFetch(base_url) }),
  };
  return { name, base_url, list: () => listModels(settings) };
}

/**
 * The models of a provider that lists them to anybody: from memory, else KV, else the provider. One that is out is answered for by the
 * last list that it gave, which says when that was. No other list is kept: what a key is shown may be its owner's alone, so the NIM sync
 * asks anew each time, and what an Ollama server runs is told live.
 * @throws ProviderError where the provider does not answer and no list of it is held
 */
export async function readModelList(ctx: Ctx, lister: ModelListSource): Promise<ModelList> {
  const { value } = await cacheFor(lister).read(ages, sourcesOf(ctx, lister));
  return value;
}

/** Asks a provider anew behind the reply, whatever is held: for who wants to see what is new now. */
export function refreshModelList(ctx: Ctx, lister: ModelListSource): void {
  const refreshed = ask(ctx.background(), lister).then(
    (list) => cacheFor(lister).set(list),
    () => undefined, // It is in the log, and what was held stays.
  );
  ctx.waitUntil(refreshed);
}

/** Key in KV. Raise the number when `ModelList` changes shape: an older Worker may still be reading. */
const keyOf = ({ name, base_url }: ModelListSource) => `model-list:1:${name}:${base_url ?? ""}`;

function cacheFor(lister: ModelListSource): TieredCache<ModelList> {
  const key = keyOf(lister);
  const held = memory.get(key) ?? new TieredCache<ModelList>();
  memory.set(key, held);
  return held;
}

function sourcesOf(ctx: Ctx, lister: ModelListSource): CacheSources<ModelList> {
  const behind = ctx.background();
  const copy = () => behind.cache.get<ModelList>(keyOf(lister));
  return {
    fromKv: copy,
    async fromOrigin(held) {
      // A list out of KV comes here to be checked, and another isolate may have asked meanwhile.
      const known = isFresh(held) ? held : await copy().catch(() => null);
      return isFresh(known) ? known : ask(behind, lister);
    },
    defer: (work) => ctx.waitUntil(work),
  };
}

function isFresh(list: ModelList | null | undefined): list is ModelList {
  return list != null && Date.now() - Date.parse(list.asked_at) < ages.freshMs;
}

async function ask(ctx: Ctx, lister: ModelListSource): Promise<ModelList> {
  const { name: provider } = lister;
  try {
    const list = { models: await lister.list(), asked_at: new Date().toISOString() };
    const kept = ctx.cache.put(keyOf(lister), list, (ages.freshMs + ages.maxStaleMs) / 1_000);
    ctx.waitUntil(
      kept.catch((error: unknown) => log("warn", "Failed to cache the model list of a provider.", { provider, error })),
    );
    return list;
  } catch (error) {
    log("warn", "A provider failed to list its models.", { provider, error });
    throw error;
  }
}

import { sql } from "drizzle-orm";
import listed from "./prices.json" with { type: "json" };
import type { Ctx } from "../../context.ts";
import { TieredCache, type CacheSources } from "../../kit/async/tiered-cache.ts";
import { invalidTextPaths } from "../../kit/db/text.ts";
import { log } from "../../kit/log.ts";
import type { Price } from "./cost.ts";
import { operatorFetch } from "../providers/guarded-fetch.ts";
import type { PublishedPrice } from "../providers/provider.ts";
import { providers, type ProviderName } from "../providers/providers.ts";
import type { PriceShown } from "../schemas.ts";
import { modelPrices } from "../tables.ts";

/** The price of a model and, if announced, its shutdown date. */
export type KnownPrice = Price & { shutdown_on?: string | null };

/** The price list of this build. A test validates the file with `Price`. */
const seeded = listed as unknown as readonly KnownPrice[];

const kvKey = "model-prices:1";

/** Cached prices are fresh for an hour. For a day, they are served stale while they are refreshed after the reply. */
const ages = { freshMs: 3_600_000, maxStaleMs: 86_400_000 };

const memory = new TieredCache<readonly KnownPrice[]>();

/**
 * Returns prices from memory, without waiting. An isolate that has not read the newest prices yet uses the prices of the build, and
 * reads the newest after the reply.
 */
export function pricesNow(ctx: Ctx): readonly KnownPrice[] {
  const near = memory.peek(ages);
  if (near?.tier !== "memory") memory.revalidate(ages, sourcesOf(ctx));
  return near?.value ?? seeded;
}

/** Reads the newest known prices. */
export async function readPrices(ctx: Ctx): Promise<readonly KnownPrice[]> {
  const { value } = await memory.read(ages, sourcesOf(ctx));
  return value;
}

function sourcesOf(ctx: Ctx): CacheSources<readonly KnownPrice[]> {
  return {
    fromKv: () => ctx.cache.get<readonly KnownPrice[]>(kvKey),
    fetchOrigin: () => storedPrices(ctx.background()),
    waitUntil: (work) => ctx.waitUntil(work),
  };
}

/** The prices of the build and those published since. The newest valid price counts. */
async function storedPrices({ db }: Ctx): Promise<readonly KnownPrice[]> {
  const rows = await db
    .selectDistinctOn([modelPrices.provider, modelPrices.model_id])
    .from(modelPrices)
    .orderBy(modelPrices.provider, modelPrices.model_id, sql`${modelPrices.from} desc`);
  const published = rows.map(({ cache_read, cache_write, ...row }) => ({
    ...row,
    ...(cache_read === null ? {} : { cache_read }),
    ...(cache_write === null ? {} : { cache_write }),
  }));
  return [...seeded, ...published];
}

/** The providers with a public price list. */
export function publishers(): { provider: ProviderName; list(): Promise<readonly PublishedPrice[]> }[] {
  return providers.flatMap(({ name, base_url, listPrices }) =>
    listPrices === undefined || base_url === null
      ? []
      : [{ provider: name, list: () => listPrices({ baseUrl: base_url, fetch: operatorFetch(base_url) }) }],
  );
}

/**
 * Reads prices and shutdown dates from providers, and stores the changes with their date. If a provider fails, its known prices stay.
 * Run by cron.
 * @returns the number of new prices
 */
export async function refreshPrices(ctx: Ctx, sources = publishers()): Promise<number> {
  let changed = 0;
  for (const { provider, list } of sources) {
    try {
      const prices = storablePrices(await list());
      changed += (await insertChanged(ctx, provider, prices)).rows.length;
    } catch (error) {
      log("warn", "Failed to refresh the prices of a provider.", { provider, error });
    }
  }
  const known = await storedPrices(ctx);
  memory.set(known);
  await ctx.cache.put(kvKey, known);
  return changed;
}

/** The prices that Postgres can store: each model once, and none with a name that it refuses. */
function storablePrices(prices: readonly PublishedPrice[]): PublishedPrice[] {
  const byModel = new Map(prices.map((price) => [price.model_id, price]));
  return Array.from(byModel.values()).filter(({ model_id }) => invalidTextPaths(model_id).length === 0);
}

/** Inserts the prices that differ from the newest price of each model, dated today. */
function insertChanged({ db }: Ctx, provider: ProviderName, prices: readonly PublishedPrice[]) {
  return db.execute(sql`
    insert into ${modelPrices} (provider, model_id, "from", input, output, cache_read, cache_write, shutdown_on, as_of, source)
    select ${provider}, p.model_id, (now() at time zone 'utc')::date, p.input, p.output, p.cache_read, p.cache_write, p.shutdown_on,
      (now() at time zone 'utc')::date, p.source
    from json_to_recordset(${JSON.stringify(prices)}::json)
      as p(model_id text, input bigint, output bigint, cache_read bigint, cache_write bigint, shutdown_on date, source text)
    where not exists (
      select from (
        select * from ${modelPrices} m where m.provider = ${provider} and m.model_id = p.model_id order by m."from" desc limit 1) m
      where (m.input, m.output, m.cache_read, m.cache_write, m.shutdown_on) is not distinct from
        (p.input, p.output, p.cache_read, p.cache_write, p.shutdown_on))
    on conflict (provider, model_id, "from") do update set input = excluded.input, output = excluded.output,
      cache_read = excluded.cache_read, cache_write = excluded.cache_write, shutdown_on = excluded.shutdown_on, source = excluded.source
    returning model_id`);
}

/** Converts a price for clients, in dollars per million tokens. */
export function priceOf({ provider, model_id, from, as_of, source, shutdown_on, ...rates }: KnownPrice): PriceShown {
  const { input, output, cache_read = input, cache_write = input } = rates;
  return {
    provider,
    model_id,
    input_usd: input / 1e6,
    output_usd: output / 1e6,
    cache_read_usd: cache_read / 1e6,
    cache_write_usd: cache_write / 1e6,
    from: from ?? null,
    as_of,
    source,
    shutdown_on: shutdown_on ?? null,
  };
}

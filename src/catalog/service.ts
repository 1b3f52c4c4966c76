import { sql, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { LRUCache } from "lru-cache";
import type { Ctx } from "../context.ts";
import { TieredCache, type CacheAges, type CacheSources, type Tier } from "../kit/async/tiered-cache.ts";
import { databaseFailure } from "../kit/db/errors.ts";
import { AppError } from "../kit/errors.ts";
import { catalogErrors } from "./errors.ts";
import { log } from "../kit/log.ts";
import { assembleCatalog, type Catalog, type CatalogCopy, type CatalogRows } from "./snapshot.ts";
import * as tables from "./tables.ts";

/** A serialized reply and its ETag. */
export type CachedResponse = { bytes: Uint8Array; etag: string };

/** The catalog and the replies computed from it, by path and query. They are replaced together. */
export type CatalogCache = { catalog: Catalog; replies: LRUCache<string, CachedResponse> };

/** KV key. Increment the number when the shape of `CatalogRows` changes: an older Worker may still read it. */
const kvKey = "catalog:1";

const maxReplies = 500;
const maxReplyBytes = 8 * 1024 * 1024;

const memory = new TieredCache<CatalogCache>();

type CatalogSettings = { CATALOG_FRESH_SECONDS: number; CATALOG_MAX_STALE_SECONDS: number };

function ages(settings: CatalogSettings): CacheAges {
  return { freshMs: settings.CATALOG_FRESH_SECONDS * 1000, maxStaleMs: settings.CATALOG_MAX_STALE_SECONDS * 1000 };
}

/** The cache in this isolate's memory, if it may be served immediately. No round trip. */
export function peekCatalog(settings: CatalogSettings): { value: CatalogCache; tier: "memory" | "stale" } | undefined {
  return memory.peek(ages(settings));
}

/**
 * Reads the catalog from memory, KV or Postgres, in this order.
 * @throws catalog_unavailable if none of them has it
 */
export function readCatalog(ctx: Ctx): Promise<{ value: CatalogCache; tier: Tier }> {
  return memory.read(ages(ctx.env), sources(ctx));
}

/** The catalog for computations. No round trip while it is cached. @throws catalog_unavailable */
export async function catalogOf(ctx: Ctx): Promise<Catalog> {
  return (await readCatalog(ctx)).value.catalog;
}

/** Revalidates the catalog after a stale reply. */
export function revalidateCatalog(ctx: Ctx): void {
  memory.revalidate(ages(ctx.env), sources(ctx));
}

/**
 * Updates KV and this isolate from Postgres. Writes KV only if the version changed.
 * @throws catalog_unavailable, kv_unavailable
 */
export async function publishCatalog(ctx: Ctx): Promise<{ version: number; changed: boolean }> {
  const published = (await ctx.cache.get<CatalogCopy>(kvKey))?.version;
  const inMemory = memory.peek({ freshMs: Infinity, maxStaleMs: 0 })?.value.catalog.version;
  const { version, rows } = await selectCatalog(ctx, inMemory === published ? published : undefined);
  const changed = version !== published;
  if (rows !== null) {
    const copy = { version, rows };
    if (changed) await ctx.cache.put(kvKey, copy);
    memory.set(buildCache(copy));
  }
  if (changed) log("info", "Catalog published.", { version, previous: published ?? null });
  return { version, changed };
}

function buildCache(copy: CatalogCopy): CatalogCache {
  return {
    catalog: assembleCatalog(copy),
    replies: new LRUCache({ max: maxReplies, maxSize: maxReplyBytes, sizeCalculation: ({ bytes }) => bytes.length }),
  };
}

function sources(ctx: Ctx): CacheSources<CatalogCache> {
  return {
    fromKv: async () => {
      const copy = await ctx.cache.get<CatalogCopy>(kvKey);
      return copy === null ? null : buildCache(copy);
    },
    fetchOrigin: async (current) => {
      const { version, rows } = await selectCatalog(ctx, current?.catalog.version);
      return current !== undefined && rows === null ? current : buildCache({ version, rows: rows! });
    },
    waitUntil: ctx.waitUntil,
  };
}

/**
 * The catalog's version and, if it is not the known one, its rows, in one statement for consistency.
 * @throws catalog_unavailable
 */
async function selectCatalog(ctx: Ctx, known: number | undefined): Promise<{ version: number; rows: CatalogRows | null }> {
  const moved = sql`${tables.catalogVersions.version} is distinct from ${known ?? null}::int`;
  const rows = sql<CatalogRows | null>`case when ${moved} then json_build_object(
    'spirits', ${publicRows(tables.spirits)}, 'tools', ${publicRows(tables.tools)}, 'bundles', ${publicRows(tables.bundles)},
    'plans', ${publicRows(tables.plans)}, 'classes', ${publicRows(tables.classes)}, 'templates', ${publicRows(tables.templates)},
    'affinities', ${all(tables.spiritAffinities, sql`t.spirit_a, t.spirit_b`)},
    'spirit_tools', ${all(tables.spiritTools)}, 'bundle_spirits', ${all(tables.bundleSpirits)},
    'plan_spirits', ${all(tables.planSpirits)}, 'class_spirits', ${all(tables.classSpirits)},
    'template_spirits', ${all(tables.templateSpirits)}
  ) end`;
  try {
    const [current] = await ctx.db.select({ version: tables.catalogVersions.version, rows }).from(tables.catalogVersions);
    if (current !== undefined) return current;
  } catch (cause) {
    log("warn", "Reading the catalog from Postgres failed.", { request_id: ctx.requestId, error: cause });
    const failure = databaseFailure(cause, ctx.constraintErrors);
    if (failure === undefined) throw cause;
    throw new AppError(catalogErrors.catalog_unavailable, failure.message, { cause });
  }
  throw new AppError(catalogErrors.catalog_unavailable, "The catalog is empty. Run `npm run db:seed`.");
}

/** The active rows of a table as a JSON array by ID, without internal columns. */
function publicRows(table: PgTable): SQL {
  return sql`(select coalesce(json_agg(to_jsonb(t) - '{is_active,created_at,updated_at}'::text[] order by t.id), '[]') from ${table} t where t.is_active)`;
}

/** Every row of a table as a JSON array. */
function all(table: PgTable, order: SQL = sql`t.position`): SQL {
  return sql`(select coalesce(json_agg(t order by ${order}), '[]') from ${table} t)`;
}

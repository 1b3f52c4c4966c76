import type * as z from "zod";
import { canonicalPath, splitUrl } from "../http/path-aliases.ts";
import type { Ctx } from "../context.ts";
import { parsedEnv } from "../env.ts";
import { addCors, constantHeaders, jsonType } from "../http/headers.ts";
import { logCachedRequest, routePatternOf } from "../http/request-log.ts";
import { route, type DocumentedHandler, type RouteDoc, type RouteInput } from "../http/route.ts";
import type { Tier } from "../kit/async/tiered-cache.ts";
import { sha256Short } from "../kit/crypto/hash.ts";
import { matchesEtag } from "../kit/http/etag.ts";
import { requestIdFrom } from "../kit/http/request-id.ts";
import { catalogErrors } from "./errors.ts";
import { RoundTripCounter } from "../kit/server-timing.ts";
import { peekCatalog, readCatalog, revalidateCatalog, type CachedResponse } from "./service.ts";
import type { Catalog } from "./snapshot.ts";

/**
 * Creates a GET route whose reply is computed from the catalog once per URL and catalog version, and then sent from the cache.
 * `compute` must depend only on its arguments.
 */
export function catalogRoute<Reply extends z.ZodType, Params extends z.ZodObject = never, Query extends z.ZodType = never>(
  doc: RouteDoc<Params, Query, never, Reply>,
  compute: (catalog: Catalog, input: Pick<RouteInput<Params, Query, never>, "params" | "query">) => z.input<Reply>,
): DocumentedHandler {
  const fails = [...(doc.errors ?? []), catalogErrors.catalog_unavailable] as const;
  return route<Reply, Params, Query>({ ...doc, errors: fails, conditional: true }, async ({ ctx, c, params, query }) => {
    const { value: cached, tier } = await readCatalog(ctx);
    const key = replyKey(c.req.raw.url);
    let reply = cached.replies.get(key);
    if (reply === undefined) {
      reply = await ready(compute(cached.catalog, { params, query }), routePatternOf(c));
      cached.replies.set(key, reply);
    }
    return send(c.req.raw, reply, tier, {});
  });
}

/** Runs `compute` over the catalog for a reply that is not cached. */
export async function withCatalog<T>(ctx: Ctx, compute: (catalog: Catalog) => T): Promise<{ result: T; tier: Tier }> {
  const { value, tier } = await readCatalog(ctx);
  return { result: compute(value.catalog), tier };
}

/**
 * The fast path: a cached reply of this isolate is sent before routing, middleware and validation, none of which
 * could change it. Undefined without a cached reply.
 */
export function cachedResponse(
  request: Request,
  bindings: Cloudflare.Env,
  contextOf: (requestId: string) => Ctx,
): Response | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  const env = parsedEnv(bindings);
  const cached = env && peekCatalog(env);
  const reply = cached?.value.replies.get(replyKey(request.url));
  if (env === undefined || cached === undefined || reply === undefined) return undefined;
  const requestId = requestIdFrom(request.headers.get("x-request-id"));
  if (cached.tier === "stale") revalidateCatalog(contextOf(requestId));
  const headers: Record<string, string> = {
    ...constantHeaders,
    "x-request-id": requestId,
    "server-timing": noRoundTrips,
    vary: "Origin",
  };
  addCors(headers, request.headers.get("origin"), env.CORS_ORIGINS);
  const response = send(request, reply, cached.tier, headers);
  const { status } = response;
  logCachedRequest(env, { method: request.method, status, route: reply.route, requestId });
  return response;
}

const noRoundTrips = new RoundTripCounter().serverTiming();
const encoder = new TextEncoder();

/** The cache key. Aliases of a path share their replies. */
function replyKey(url: string): string {
  const { path, query } = splitUrl(url);
  return canonicalPath(path) + query;
}

async function ready(body: unknown, pattern: string): Promise<CachedResponse> {
  const bytes = encoder.encode(JSON.stringify(body));
  return { bytes, route: pattern, etag: `"${await sha256Short(bytes)}"` };
}

/** Sets the headers and sends the reply, or 304 if the client has it already. */
function send(request: Request, { bytes, etag }: CachedResponse, tier: Tier, headers: Record<string, string>): Response {
  headers["etag"] = etag;
  headers["cache-control"] = "public, no-cache";
  headers["x-cache"] = tier;
  const ifNoneMatch = request.headers.get("if-none-match");
  if (ifNoneMatch !== null && matchesEtag(ifNoneMatch, etag)) return new Response(null, { status: 304, headers });
  headers["content-type"] = jsonType;
  headers["content-length"] = String(bytes.length);
  return new Response(request.method === "HEAD" ? null : bytes, { headers });
}

import type { Context } from "hono";
import { METHOD_NAME_ALL } from "hono/router";
import { matchedRoutes } from "hono/route";
import type { Ctx } from "../context.ts";
import { logEvent, millisecondsSince, writeEvent, type AnalyticsBindings } from "../kit/event-log.ts";
import type { AppEnv } from "./route.ts";

/** The pattern of the route that handles a request; `unmatched` without one. Middleware is registered for all methods and is skipped. */
export function routePatternOf(c: Context<AppEnv>): string {
  return matchedRoutes(c).find(({ method }) => method !== METHOD_NAME_ALL)?.path ?? "unmatched";
}

/** What happened to a request, by the status of its reply. */
function outcomeOf(status: number): string {
  if (status >= 500) return "failed";
  return status >= 400 ? "refused" : "ok";
}

/** Writes the line of a request. A stream or a socket goes on after it. */
export function logRequest(c: Context<AppEnv>, startedAt: number): void {
  const { status } = c.res;
  const event = {
    event: "request",
    outcome: outcomeOf(status),
    error_code: c.get("errorCode"),
    route: routePatternOf(c),
    method: c.req.method,
    status,
    duration_ms: millisecondsSince(startedAt),
  };
  // Without a context, the environment is misconfigured.
  const ctx = c.get("ctx") as Ctx | undefined;
  if (ctx === undefined) writeEvent(c.env as AnalyticsBindings, { ...event, request_id: c.get("requestId") });
  else logEvent({ ...eventContextOf(ctx), actor: c.get("caller") ?? ctx.actor }, event);
}

/** The part of a context that a line shows. A copy of the whole context would open the database. */
const eventContextOf = ({ env, requestId, roundTrips, modelUsage }: Ctx) => ({ env, requestId, roundTrips, modelUsage });

/** Writes the line of a request that a cached reply answers, without a round trip. */
export function logCachedRequest(env: AnalyticsBindings, request: CachedRequest): void {
  const { method, status, route, requestId } = request;
  writeEvent(env, {
    event: "request",
    outcome: "ok",
    route,
    method,
    actor: "anonymous",
    request_id: requestId,
    status,
    ...free,
  });
}

type CachedRequest = { method: string; status: number; route: string; requestId: string };

const free = { duration_ms: 0, db: 0, kv: 0, do: 0 };

import type { Context, ErrorHandler, MiddlewareHandler } from "hono";
import { requestContext, type Composition, type Ctx } from "../context.ts";
import { addCors, constantHeaders, problemType } from "./headers.ts";
import { logRequest, routePatternOf } from "./request-log.ts";
import type { AppEnv } from "./route.ts";
import { toAppError } from "../kit/db/errors.ts";
import { problemOf, unexpectedError } from "../kit/errors.ts";
import { requestIdFrom } from "../kit/http/request-id.ts";
import { log } from "../kit/log.ts";

/** Sets the request ID, adds the headers of every reply, and writes the line of the request. */
export const requestIdAndHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  const startedAt = performance.now();
  c.set("requestId", requestIdFrom(c.req.raw.headers.get("x-request-id")));
  await next();
  for (const [name, value] of Object.entries(edgeHeaders(c))) c.res.headers.set(name, value);
  logRequest(c, startedAt);
};

/** Creates the `Ctx` of the request. @throws misconfigured */
export function contextMiddleware(composition: Composition): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const event = { ...composition, bindings: c.env, lifetime: c.executionCtx, requestId: c.get("requestId") };
    c.set("ctx", requestContext(c.req.raw, event));
    await next();
  };
}

function edgeHeaders(c: Context<AppEnv>): Record<string, string> {
  const headers: Record<string, string> = { ...constantHeaders, "x-request-id": c.get("requestId") };
  // Avatars and pages set their own policies.
  for (const name of ["cross-origin-resource-policy", "content-security-policy"]) {
    const policy = c.res.headers.get(name);
    if (policy !== null) headers[name] = policy;
  }
  const ctx = c.get("ctx") as Ctx | undefined;
  if (!c.res.headers.has("cache-control")) headers["cache-control"] = "no-store";
  headers["vary"] = "Origin";
  if (ctx !== undefined) {
    headers["server-timing"] = ctx.roundTrips.serverTiming();
    addCors(headers, c.req.header("origin"), ctx.env.CORS_ORIGINS);
  }
  return headers;
}

/** Converts every error into problem details. An unexpected error is logged, and its message is not sent to the client. */
export const errorHandler: ErrorHandler<AppEnv> = (error, c) => {
  const requestId = c.get("requestId");
  const ctx = c.get("ctx") as Ctx | undefined;
  const failure = toAppError(error, ctx?.constraintErrors ?? {}) ?? unexpectedError(error);
  c.set("errorCode", failure.code);
  if (failure.status >= 500) {
    log("error", "A request failed.", { request_id: requestId, error_code: failure.code, route: routePatternOf(c), error });
  }
  return new Response(JSON.stringify(problemOf(failure, requestId)), {
    status: failure.status,
    headers: { ...failure.headers, "content-type": problemType },
  });
};

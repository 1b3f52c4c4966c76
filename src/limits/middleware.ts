import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { LRUCache } from "lru-cache";
import type { Actor } from "../context.ts";
import { isDocumented, type Access, type AppEnv } from "../http/route.ts";
import { AppError } from "../kit/errors.ts";
import { windowSeconds, type PolicyName } from "./policies.ts";
import { addressOf, consumeRateLimit, rateLimitError, type Requester } from "./rate-limit.ts";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** Guards that count the requests that they admit and refuse. */
const rateLimitedGuards = new WeakSet<Access>();

/**
 * Counts each request as anonymous before its route runs. Routes behind a guard made by `rateLimitedGuard` are skipped: that guard
 * counts when it knows the caller.
 * @throws rate_limited
 */
export const limitAnonymous: MiddlewareHandler<AppEnv> = async (c, next) => {
  const access = matchedRoutes(c)
    .map(({ handler }) => handler as unknown)
    .find(isDocumented)?.doc.access;
  if (access === undefined || !rateLimitedGuards.has(access)) await consumeRateLimit(c.get("ctx"), "anonymous");
  await next();
};

/** Addresses with too many refused requests, with the end of their block in milliseconds since the epoch. */
const blockedAddresses = new LRUCache<string, number>({ max: 1_000 });

/**
 * Adds counting to a guard. An admitted caller counts under `authenticated`, and under `mutations` if the method is unsafe. The
 * address of a refused request counts under `anonymous`, separate from its other requests. Over that limit, the address is blocked for
 * a window without a token check, because a check of an unknown token costs a look-up.
 */
export function rateLimitedGuard(access: Access): Access {
  const counting: Access = {
    ...access,
    /** @throws rate_limited, and the errors of the guard */
    async admit(c) {
      const ctx = c.get("ctx");
      const key = `turned-away:${addressOf(ctx)}`;
      if ((blockedAddresses.get(key) ?? 0) > Date.now()) throw rateLimitError(ctx, "anonymous");
      let actor: Actor;
      try {
        actor = await access.admit(c);
      } catch (refusal) {
        if (refusal instanceof AppError && refusal.status < 500) await countRefused(ctx, key);
        throw refusal;
      }
      const caller = { env: ctx.env, client: ctx.client, actor };
      const mutates = !safeMethods.has(c.req.method);
      await Promise.all([consumeRateLimit(caller, "authenticated"), mutates && consumeRateLimit(caller, "mutations")]);
      return actor;
    },
  };
  rateLimitedGuards.add(counting);
  return counting;
}

/** @throws rate_limited */
async function countRefused(requester: Requester, key: string): Promise<void> {
  try {
    await consumeRateLimit(requester, "anonymous", key);
  } catch (refusal) {
    blockedAddresses.set(key, Date.now() + windowSeconds * 1_000);
    throw refusal;
  }
}

/** An additional limit of one route. */
export type Limit = {
  policy: PolicyName;
  /** @throws rate_limited */
  admit(requester: Requester): Promise<void>;
};

export function limited(policy: PolicyName): Limit {
  return { policy, admit: (requester) => consumeRateLimit(requester, policy) };
}

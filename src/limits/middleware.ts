import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { LRUCache } from "lru-cache";
import type { Actor } from "../context.ts";
import { isDocumented, type Access, type AppEnv } from "../http/route.ts";
import { AppError } from "../kit/errors.ts";
import { windowSeconds, type PolicyName } from "./policies.ts";
import { addressOf, consumeRateLimit, rateLimitError, type Requester } from "./rate-limit.ts";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** Guards that count whom they let in and whom they turn away. */
const countingGuards = new WeakSet<Access>();

/**
 * Counts what reaches the router, before anything is done for it, as anonymous. Left out are routes behind a guard made by
 * `counted`, which counts when it knows who is asking.
 * @throws rate_limited
 */
export const limitAnonymous: MiddlewareHandler<AppEnv> = async (c, next) => {
  const access = matchedRoutes(c)
    .map(({ handler }) => handler as unknown)
    .find(isDocumented)?.doc.access;
  if (access === undefined || !countingGuards.has(access)) await consumeRateLimit(c.get("ctx"), "anonymous");
  await next();
};

/** Until when addresses that kept being turned away are refused unheard, in milliseconds since the epoch. */
const blockedAddresses = new LRUCache<string, number>({ max: 1_000 });

/**
 * The same guard, counting: a caller that it lets in under `authenticated`, and `mutations` if the method is no safe one; an
 * address that it turns away under `anonymous`, apart from other requests of that address. Past that limit the address is refused
 * without being heard for a while, since hearing a stranger's token costs a look-up.
 */
export function rateLimitedGuard(access: Access): Access {
  const counting: Access = {
    ...access,
    /** @throws rate_limited, and what the guard throws */
    async admit(c) {
      const ctx = c.get("ctx");
      const party = `turned-away:${addressOf(ctx)}`;
      if ((blockedAddresses.get(party) ?? 0) > Date.now()) throw rateLimitError(ctx, "anonymous");
      let actor: Actor;
      try {
        actor = await access.admit(c);
      } catch (refusal) {
        if (refusal instanceof AppError && refusal.status < 500) await countTurnedAway(ctx, party);
        throw refusal;
      }
      const caller = { env: ctx.env, client: ctx.client, actor };
      const mutates = !safeMethods.has(c.req.method);
      await Promise.all([consumeRateLimit(caller, "authenticated"), mutates && consumeRateLimit(caller, "mutations")]);
      return actor;
    },
  };
  countingGuards.add(counting);
  return counting;
}

/** @throws rate_limited */
async function countTurnedAway(requester: Requester, party: string): Promise<void> {
  try {
    await consumeRateLimit(requester, "anonymous", party);
  } catch (refusal) {
    blockedAddresses.set(party, Date.now() + windowSeconds * 1_000);
    throw refusal;
  }
}

/** A limit of a route's own, beside those that hold for every route. */
export type Limit = {
  policy: PolicyName;
  /** @throws rate_limited */
  admit(requester: Requester): Promise<void>;
};

export function limited(policy: PolicyName): Limit {
  return { policy, admit: (requester) => consumeRateLimit(requester, policy) };
}

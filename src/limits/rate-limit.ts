import type { Ctx } from "../context.ts";
import { withTimeout } from "../kit/async/timeout.ts";
import { AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { policies, windowSeconds, type Policy, type PolicyName } from "./policies.ts";
import { addressGroup } from "./rules.ts";

/** The data of a request that a rate limit needs. */
export type Requester = Pick<Ctx, "env" | "actor" | "client">;

const timeoutMs = 500;

/** The minimum time between two log lines about one binding, in milliseconds. */
const logIntervalMs = 60_000;
const lastLoggedAt = new Map<string, number>();

/**
 * Counts a request under a policy. Jobs are not limited. If the limiter is unavailable, no request is limited.
 * @param key the key of the count. Default: the address or the caller, as the policy says
 * @throws rate_limited
 */
export async function consumeRateLimit(
  requester: Requester,
  name: PolicyName,
  key = keyOf(requester, policies[name].by),
): Promise<void> {
  if (requester.actor.kind === "system" || (await admits(requester, policies[name], key))) return;
  throw rateLimitError(requester, name);
}

/** Makes the 429 error of a policy. The binding does not report the end of its window, so `Retry-After` is a full window. */
export function rateLimitError(requester: Requester, name: PolicyName): AppError {
  const limit = requester.env.RATE_LIMITS[name];
  const subject = subjects[policies[name].by === "address" ? "anonymous" : requester.actor.kind];
  return new AppError(
    "rate_limited",
    `Too many requests from ${subject}. The limit "${name}" is ${limit} requests per minute. Wait ${windowSeconds} seconds.`,
    {
      headers: { "retry-after": String(windowSeconds), "ratelimit-policy": `"${name}";q=${limit};w=${windowSeconds}` },
    },
  );
}

const subjects = {
  anonymous: "this address",
  user: "this account",
  key: "this API key",
  minion: "this minion",
  system: "this job",
} as const;

/** The key of the request's address group. Requests without a known address share one key. */
export function addressOf({ client }: Requester): string {
  return `ip:${client.ip === null ? "unknown" : addressGroup(client.ip)}`;
}

function keyOf(requester: Requester, by: Policy["by"]): string {
  const { actor } = requester;
  if (by === "caller" && actor.kind === "user") return `user:${actor.userId}`;
  if (by === "caller" && actor.kind === "key") return `key:${actor.keyId}`;
  if (by === "caller" && actor.kind === "minion") return `minion:${actor.minionId}`;
  return addressOf(requester);
}

async function admits({ env }: Requester, { binding }: Policy, key: string): Promise<boolean> {
  try {
    return (await withTimeout(timeoutMs, binding, () => env[binding].limit({ key }))).success;
  } catch (error) {
    const now = Date.now();
    if (now - (lastLoggedAt.get(binding) ?? -Infinity) > logIntervalMs) {
      lastLoggedAt.set(binding, now);
      log("error", "A rate limit binding is unavailable. Requests are not counted.", { binding, error });
    }
    return true;
  }
}

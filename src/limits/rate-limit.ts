import type { Ctx } from "../context.ts";
import { withTimeout } from "../kit/async/timeout.ts";
import { AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { policies, windowSeconds, type Policy, type PolicyName } from "./policies.ts";
import { addressGroup } from "./rules.ts";

/** What a limit must know of an event. */
export type Requester = Pick<Ctx, "env" | "actor" | "client">;

const timeoutMs = 500;

/** Milliseconds between two complaints about one binding. */
const complaintMs = 60_000;
const lastLoggedAt = new Map<string, number>();

/**
 * Counts this request under a policy. Jobs are not limited, and where the limiter is out nobody is.
 * @param party counts apart from the others under the same policy; whoever asks unless told
 * @throws rate_limited
 */
export async function consumeRateLimit(
  requester: Requester,
  name: PolicyName,
  party = partyOf(requester, policies[name].by),
): Promise<void> {
  if (requester.actor.kind === "system" || (await admits(requester, policies[name], party))) return;
  throw rateLimitError(requester, name);
}

/** The 429 of a policy. The limiter does not tell when its window ends: after a whole one, a request surely passes. */
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

/** The address that an event came from, with those that belong to the same party; one for all where it is not known. */
export function addressOf({ client }: Requester): string {
  return `ip:${client.ip === null ? "unknown" : addressGroup(client.ip)}`;
}

function partyOf(requester: Requester, by: Policy["by"]): string {
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
    if (now - (lastLoggedAt.get(binding) ?? -Infinity) > complaintMs) {
      lastLoggedAt.set(binding, now);
      log("error", "A rate limit binding is unavailable. Requests are not counted.", { binding, error });
    }
    return true;
  }
}

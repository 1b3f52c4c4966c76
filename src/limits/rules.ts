/**
 * Returns the group of addresses that count as one client: an IPv4 address alone, or the /64 of an IPv6 address, because one
 * subscriber gets a /64. An IPv4-mapped IPv6 address counts as IPv4.
 */
export function addressGroup(ip: string): string {
  if (!ip.includes(":")) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined) return mapped;
  const [head, tail] = ip
    .toLowerCase()
    .split("::", 2)
    .map((part) => part.split(":").filter(Boolean)) as [string[], string[]?];
  const zeros = Array<string>(Math.max(0, 8 - head.length - (tail?.length ?? 0))).fill("0");
  const groups = [...head, ...zeros, ...(tail ?? [])].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}

/** Normalizes the username or email that a user enters. */
export function normalizeIdentifier(identifier: string): string {
  return identifier.normalize("NFKC").trim().toLowerCase();
}

/** A count of failed sign-ins, and the time of the latest attempt in milliseconds since the epoch. */
export type Budget = { failures: number; tried_at: number };

/** The number of failures in a row without a delay. */
export const freeFailures = 5;
const firstDelayMs = 1_000;
/** This allows at most 12 guesses per hour. */
const maxDelayMs = 5 * 60_000;
/** One failure expires after this time. */
const forgivenessMs = 10 * 60_000;
/** At this number of failures, the delay has its maximum. */
const maxFailures = freeFailures + Math.ceil(Math.log2(maxDelayMs / firstDelayMs));

/** The maximum time that a failure is stored, in milliseconds. */
export const longestMemoryMs = maxFailures * forgivenessMs;

/** The delay after an attempt, in milliseconds: 0 at first, then 1 second, doubled with each failure up to 5 minutes. */
export function delayMs(failures: number): number {
  const counted = Math.ceil(failures);
  return counted < freeFailures ? 0 : Math.min(firstDelayMs * 2 ** (counted - freeFailures), maxDelayMs);
}

/** The time from `now` until the next allowed attempt, in milliseconds. It is never longer than the delay, even if the clock moved back. */
export function waitMs({ failures, tried_at }: Budget, now: number): number {
  const delay = delayMs(failures);
  return Math.min(Math.max(0, tried_at + delay - now), delay);
}

/** The number of failures that have not expired. It can be fractional. */
export function failuresAt({ failures, tried_at }: Budget, now: number): number {
  return Math.max(0, failures - Math.max(0, now - tried_at) / forgivenessMs);
}

/** The time when all failures have expired, in milliseconds since the epoch. */
export function resetsAt({ failures, tried_at }: Budget): number {
  return tried_at + failures * forgivenessMs;
}

/** Returns the budget with one more attempt. It counts as failed until it succeeds or is refunded. */
export function withFailure(budget: Budget, now: number): Budget {
  return { failures: Math.min(failuresAt(budget, now) + 1, maxFailures), tried_at: now };
}

/** Returns the budget without its latest attempt. */
export function withoutAttempt({ failures, tried_at }: Budget): Budget {
  return { failures: Math.max(0, failures - 1), tried_at };
}

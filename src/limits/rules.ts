/**
 * Addresses that are one party: an IPv4 address by itself, an IPv6 one with its /64, which is what one subscriber is given.
 * IPv4 written as IPv6 is IPv4.
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

/** One spelling for the names and addresses that people type for one account. */
export function normalizeIdentifier(identifier: string): string {
  return identifier.normalize("NFKC").trim().toLowerCase();
}

/** Failed sign-ins that are remembered together, and when the latest attempt was, in milliseconds since the epoch. */
export type Budget = { failures: number; tried_at: number };

/** Failures in a row that cost nothing but themselves. */
export const freeFailures = 5;
const firstDelayMs = 1_000;
/** With this, a stranger who never stops has 12 guesses an hour. */
const maxDelayMs = 5 * 60_000;
/** Time in which one failure is forgiven. */
const forgivenessMs = 10 * 60_000;
/** More failures than these change nothing any more. */
const maxFailures = freeFailures + Math.ceil(Math.log2(maxDelayMs / firstDelayMs));

/** The longest time that a failure can be remembered, in milliseconds. */
export const longestMemoryMs = maxFailures * forgivenessMs;

/** How long after an attempt the next one must wait, in milliseconds: nothing at first, then 1 s, doubling up to 5 minutes. */
export function delayMs(failures: number): number {
  const counted = Math.ceil(failures);
  return counted < freeFailures ? 0 : Math.min(firstDelayMs * 2 ** (counted - freeFailures), maxDelayMs);
}

/** How long from `now` the next attempt must wait, in milliseconds. A clock that went back does not make it longer. */
export function waitMs({ failures, tried_at }: Budget, now: number): number {
  const delay = delayMs(failures);
  return Math.min(Math.max(0, tried_at + delay - now), delay);
}

/** Failures that are not forgiven yet, in fractions. */
export function failuresAt({ failures, tried_at }: Budget, now: number): number {
  return Math.max(0, failures - Math.max(0, now - tried_at) / forgivenessMs);
}

/** When everything will be forgiven, in milliseconds since the epoch. */
export function resetsAt({ failures, tried_at }: Budget): number {
  return tried_at + failures * forgivenessMs;
}

/** The budget after one more attempt, which counts as failed until it is known better. */
export function withFailure(budget: Budget, now: number): Budget {
  return { failures: Math.min(failuresAt(budget, now) + 1, maxFailures), tried_at: now };
}

/** The budget after its latest attempt turned out to be none of a guesser. */
export function withoutAttempt({ failures, tried_at }: Budget): Budget {
  return { failures: Math.max(0, failures - 1), tried_at };
}

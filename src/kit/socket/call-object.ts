import { withTimeout } from "../async/timeout.ts";
import type { RoundTripCounter } from "../server-timing.ts";

/** Whether the platform set a flag on an error of a Durable Object. */
export function hasErrorFlag(error: unknown, mark: "retryable" | "overloaded"): boolean {
  return error instanceof Error && mark in error && error[mark as keyof Error] === (true as unknown);
}

/**
 * Calls a Durable Object as one round trip. Retries once if the platform marks the error as retryable.
 * @param ask makes the call on a new stub: a stub that failed once keeps failing
 * @param timeoutMs timeout of each call
 */
export async function callObject<T>(
  meter: RoundTripCounter,
  what: string,
  timeoutMs: number,
  ask: () => Promise<T>,
): Promise<T> {
  const once = () => meter.time("do", () => withTimeout(timeoutMs, what, ask));
  try {
    return await once();
  } catch (error) {
    if (hasErrorFlag(error, "retryable") && !hasErrorFlag(error, "overloaded")) return once();
    throw error;
  }
}

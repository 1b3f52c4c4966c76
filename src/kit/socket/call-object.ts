import { withTimeout } from "../async/timeout.ts";
import type { RoundTripCounter } from "../server-timing.ts";

/** Whether the platform marked an error of an object so. */
export function hasErrorFlag(error: unknown, mark: "retryable" | "overloaded"): boolean {
  return error instanceof Error && mark in error && error[mark as keyof Error] === (true as unknown);
}

/**
 * Calls a Durable Object as one round trip, and once more where the platform says that it can help.
 * @param ask makes the call on a stub of its own: a stub that failed once keeps failing
 * @param timeoutMs how long each call may take
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

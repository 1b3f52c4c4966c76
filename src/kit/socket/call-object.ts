import { within } from "../async/timeout.ts";
import type { Meter } from "../server-timing.ts";

/** Whether the platform marked an error of an object so. */
export function isMarked(error: unknown, mark: "retryable" | "overloaded"): boolean {
  return error instanceof Error && mark in error && error[mark as keyof Error] === (true as unknown);
}

/**
 * Calls a Durable Object as one round trip, and once more where the platform says that it can help.
 * @param ask makes the call on a stub of its own: a stub that failed once keeps failing
 * @param timeoutMs how long each call may take
 */
export async function askObject<T>(meter: Meter, what: string, timeoutMs: number, ask: () => Promise<T>): Promise<T> {
  const once = () => meter.time("do", () => within(timeoutMs, what, ask));
  try {
    return await once();
  } catch (error) {
    if (isMarked(error, "retryable") && !isMarked(error, "overloaded")) return once();
    throw error;
  }
}

import { withTimeout } from "../async/timeout.ts";
import { AppError } from "../errors.ts";
import type { RoundTripCounter } from "../server-timing.ts";

/** A KV namespace with counted operations, timeouts, and `kv_unavailable` errors. Values are JSON. */
export type KeyValue = {
  get<T>(key: string): Promise<T | null>;
  /** @param ttlSeconds time to live, at least 60. Default: no expiry */
  put(key: string, value: unknown, ttlSeconds?: number): Promise<void>;
  delete(key: string): Promise<void>;
};

const timeoutMs = 2_000;

async function attempt<T>(meter: RoundTripCounter, work: () => Promise<T>): Promise<T> {
  try {
    return await meter.time("kv", () => withTimeout(timeoutMs, "KV", work));
  } catch (cause) {
    throw new AppError("kv_unavailable", "The key-value store does not answer. Try again.", { cause });
  }
}

export function openKeyValue(namespace: KVNamespace, meter: RoundTripCounter): KeyValue {
  return {
    get: <T>(key: string) => attempt(meter, () => namespace.get<T>(key, "json")),
    put: (key, value, ttlSeconds) =>
      attempt(meter, () =>
        namespace.put(key, JSON.stringify(value), ttlSeconds === undefined ? {} : { expirationTtl: ttlSeconds }),
      ),
    delete: (key) => attempt(meter, () => namespace.delete(key)),
  };
}

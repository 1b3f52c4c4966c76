import { AppError } from "./errors.ts";
import type { Meter } from "./meter.ts";

/** A KV namespace whose operations are counted, bounded in time, and fail as `kv_unavailable`. Values are JSON. */
export type KeyValue = {
  get<T>(key: string): Promise<T | null>;
  put(key: string, value: unknown): Promise<void>;
};

const timeoutMs = 2_000;

async function attempt<T>(meter: Meter, work: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`KV did not answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await meter.time("kv", () => Promise.race([work(), late]));
  } catch (cause) {
    throw new AppError("kv_unavailable", "The key-value store does not answer.", { cause });
  } finally {
    clearTimeout(timer);
  }
}

export function openKeyValue(namespace: KVNamespace, meter: Meter): KeyValue {
  return {
    get: <T>(key: string) => attempt(meter, () => namespace.get<T>(key, "json")),
    put: (key, value) => attempt(meter, () => namespace.put(key, JSON.stringify(value))),
  };
}

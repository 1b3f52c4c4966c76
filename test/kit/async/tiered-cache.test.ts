import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TieredCache, type CacheSources } from "../../../src/kit/async/tiered-cache.ts";

const ages = { freshMs: 60_000, maxStaleMs: 240_000 };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Tiers that count who calls them; `origin` and `kv` may be replaced by what fails. */
function tiers(overrides: Partial<Pick<CacheSources<string>, "fromKv" | "fetchOrigin">> = {}) {
  const calls = { kv: 0, origin: 0 };
  const deferred: Promise<unknown>[] = [];
  const sources: CacheSources<string> = {
    fromKv: () => {
      calls.kv += 1;
      return overrides.fromKv ? overrides.fromKv() : Promise.resolve(null);
    },
    fetchOrigin: (held) => {
      calls.origin += 1;
      return overrides.fetchOrigin ? overrides.fetchOrigin(held) : Promise.resolve("current");
    },
    waitUntil: (work) => void deferred.push(work),
  };
  return { sources, calls, settled: () => Promise.allSettled(deferred) };
}

const fails = () => Promise.reject(new Error("out of service"));

describe("TieredCache", () => {
  test("a value missing from all tiers is fetched from the origin and cached in memory", async () => {
    const value = new TieredCache<string>();
    const { sources, calls } = tiers();
    expect(await value.read(ages, sources)).toEqual({ value: "current", tier: "origin" });
    expect(await value.read(ages, sources)).toEqual({ value: "current", tier: "memory" });
    expect(calls).toEqual({ kv: 1, origin: 1 });
  });

  test("a value from KV is returned at once and revalidated in the background", async () => {
    const value = new TieredCache<string>();
    const { sources, calls, settled } = tiers({ fromKv: () => Promise.resolve("copy") });
    expect(await value.read(ages, sources)).toEqual({ value: "copy", tier: "kv" });
    await vi.advanceTimersByTimeAsync(0);
    await settled();
    expect(calls.origin).toBe(1);
    expect(await value.read(ages, sources)).toEqual({ value: "current", tier: "memory" });
  });

  test("a stale value is returned while one revalidation runs in the background", async () => {
    const value = new TieredCache<string>();
    const { sources, calls, settled } = tiers();
    value.set("old");
    vi.advanceTimersByTime(ages.freshMs);
    const replies = await Promise.all(Array.from({ length: 50 }, () => value.read(ages, sources)));
    expect(new Set(replies.map(({ tier }) => tier))).toEqual(new Set(["stale"]));
    await settled();
    expect(calls.origin).toBe(1);
    expect(await value.read(ages, sources)).toEqual({ value: "current", tier: "memory" });
  });

  test("a value above its maximum age waits for the origin", async () => {
    const value = new TieredCache<string>();
    const { sources } = tiers();
    value.set("old");
    vi.advanceTimersByTime(ages.freshMs + ages.maxStaleMs);
    expect(await value.read(ages, sources)).toEqual({ value: "current", tier: "origin" });
  });

  test("a value above its maximum age is returned if the origin fails, which is not called again for a while", async () => {
    const value = new TieredCache<string>();
    const { sources, calls, settled } = tiers({ fetchOrigin: fails });
    value.set("old");
    vi.advanceTimersByTime(ages.freshMs + ages.maxStaleMs);
    expect(await value.read(ages, sources)).toEqual({ value: "old", tier: "stale" });
    for (let i = 0; i < 10; i += 1) expect((await value.read(ages, sources)).tier).toBe("stale");
    expect(calls.origin).toBe(1);
    vi.advanceTimersByTime(5_000);
    expect((await value.read(ages, sources)).tier).toBe("stale");
    await settled();
    expect(calls.origin).toBe(2);
  });

  test("a KV failure falls back to the origin, and the error of the origin is thrown if both fail", async () => {
    const kvDown = tiers({ fromKv: fails });
    expect(await new TieredCache<string>().read(ages, kvDown.sources)).toEqual({ value: "current", tier: "origin" });
    const bothDown = tiers({ fromKv: fails, fetchOrigin: fails });
    await expect(new TieredCache<string>().read(ages, bothDown.sources)).rejects.toThrow("out of service");
  });

  test("200 concurrent reads make one request", async () => {
    const value = new TieredCache<string>();
    const { sources, calls } = tiers();
    await Promise.all(Array.from({ length: 200 }, () => value.read(ages, sources)));
    expect(calls).toEqual({ kv: 1, origin: 1 });
  });

  test("readers that waited for an abandoned request make a new one", async () => {
    const value = new TieredCache<string>();
    const { sources: dying } = tiers({ fetchOrigin: () => new Promise(() => {}) });
    const { sources: living, calls } = tiers();
    value.set("old");
    vi.advanceTimersByTime(ages.freshMs + ages.maxStaleMs);
    value.revalidate(ages, dying);
    const waiting = value.read(ages, living);
    expect(calls.origin).toBe(0);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await waiting).toEqual({ value: "current", tier: "origin" });
    expect(calls.origin).toBe(1);
  });
});

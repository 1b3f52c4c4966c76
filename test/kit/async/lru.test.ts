import { describe, expect, test } from "vitest";
import { LruMap } from "../../../src/kit/async/lru.ts";

const reply = (bytes: number) => new Uint8Array(bytes);
const mapOf = (maxEntries: number, maxBytes: number) => new LruMap(maxEntries, maxBytes, (bytes: Uint8Array) => bytes.length);

describe("a map of bounded size", () => {
  test("lets the least recently used go first", () => {
    const cache = mapOf(2, 1_000);
    cache.set("a", reply(1));
    cache.set("b", reply(1));
    cache.get("a");
    cache.set("c", reply(1));
    expect(cache.get("b")).toBeUndefined();
    expect(cache.get("a")).toBeDefined();
    expect(cache.get("c")).toBeDefined();
  });

  test("never holds more bytes than it may", () => {
    const cache = mapOf(100, 1_000);
    for (let i = 0; i < 50; i += 1) cache.set(String(i), reply(300));
    expect(cache.size).toEqual({ entries: 3, weight: 900 });
  });

  test("does not throw all it holds away for a reply that cannot fit", () => {
    const cache = mapOf(10, 1_000);
    cache.set("small", reply(10));
    cache.set("huge", reply(1_001));
    expect(cache.get("huge")).toBeUndefined();
    expect(cache.get("small")).toBeDefined();
  });

  test("counts a replaced reply once", () => {
    const cache = mapOf(10, 1_000);
    cache.set("a", reply(400));
    cache.set("a", reply(500));
    expect(cache.size).toEqual({ entries: 1, weight: 500 });
  });
});

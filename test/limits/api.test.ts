import { expect, test } from "vitest";
import { bodyOf, useApi } from "../support/api.ts";
import { settleInMinute } from "./support/limits.ts";

const api = useApi();

const get = (path: string, ip: string) => api.get(path, { headers: { "cf-connecting-ip": ip } });

test("the API allows 600 requests a minute per address, and more where the catalog is cached", async () => {
  await get("/api/v2/spirits", "198.51.100.2");
  await settleInMinute(30);
  for (let i = 0; i < 24; i += 1) {
    const replies = await Promise.all(Array.from({ length: 25 }, () => get("/health", "198.51.100.1")));
    for (const { status } of replies) expect(status).toBe(200);
  }
  const refusal = await get("/health", "198.51.100.1");
  expect(refusal.status).toBe(429);
  expect(refusal.headers.get("ratelimit-policy")).toBe('"anonymous";q=600;w=60');
  expect(await bodyOf(refusal)).toMatchObject({ success: false, code: "rate_limited" });
  expect((await get("/health", "198.51.100.3")).status).toBe(200);
  const warm = await get("/api/v2/spirits", "198.51.100.1");
  expect(warm.status).toBe(200);
  expect(warm.headers.get("x-cache")).toBe("memory");
});

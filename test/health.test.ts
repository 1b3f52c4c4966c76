import { expect, test } from "vitest";
import { noRoundTrips, useApi } from "./support/api.ts";

const api = useApi();

test("/health is alive and asks nobody", async () => {
  const before = api.roundTrips();
  const reply = await api.get("/health");
  expect(await reply.json()).toEqual({ success: true, status: "ok" });
  expect(reply.headers.get("server-timing")).toBe(noRoundTrips);
  expect(api.roundTrips()).toBe(before);
});

test("/api/v2/health really asks Postgres and KV, and names what is down", async () => {
  const up = await api.get("/api/v2/health");
  const service = { status: "up", latency_ms: expect.any(Number) };
  expect(await up.json()).toEqual({ success: true, status: "ok", services: { postgres: service, kv: service } });
  expect(up.headers.get("server-timing")).toMatch(/^db;.*desc="1", kv;.*desc="1", do;/);

  await api.stopPostgres();
  const down = await api.get("/api/v2/health");
  expect(down.status).toBe(503);
  expect(down.headers.get("retry-after")).toBe("5");
  expect(await down.json()).toMatchObject({
    success: false,
    code: "database_unavailable",
    detail: "Out of service: postgres.",
    services: { postgres: { status: "down" }, kv: { status: "up" } },
  });

  await api.startPostgres();
  expect((await api.get("/api/v2/health")).status).toBe(200);
});

import { expect, test } from "vitest";
import { bodyOf, noRoundTrips, useApi } from "../support/api.ts";

const api = useApi();

test("GET /health responds without calling any dependency", async () => {
  const before = api.roundTrips();
  const reply = await api.get("/health");
  expect(await reply.json()).toEqual({ success: true, status: "ok" });
  expect(reply.headers.get("server-timing")).toBe(noRoundTrips);
  expect(api.roundTrips()).toBe(before);
});

test("GET /api/v2/health reports the age of the background jobs", async () => {
  await api.database.sql(`insert into outbox (name, payload, request_id, created_at, due_at) values
    ('nothing', '{}', 'r', now() - interval '90 seconds', now() - interval '1 second'), ('nothing', '{}', 'r', now(), default)`);
  await api.database.sql(`insert into failed_jobs (reference, name, payload, request_id, error, attempts, created_at)
    values ('job:1', 'nothing', '{}', 'r', 'It failed.', 12, now())`);
  const { jobs } = await bodyOf(await api.get("/api/v2/health"));
  expect(jobs).toMatchObject({ waiting: 2, overdue: 1, failed: 1 });
  expect(jobs.oldest_seconds).toBeGreaterThanOrEqual(90);
  await api.database.sql("truncate outbox, failed_jobs");
});

test("GET /api/v2/health checks Postgres and KV, and names the one that is down", async () => {
  const up = await api.get("/api/v2/health");
  const service = { status: "up", latency_ms: expect.any(Number) };
  const services = { postgres: service, kv: service };
  const jobs = { waiting: 0, overdue: 0, oldest_seconds: 0, failed: 0 };
  expect(await up.json()).toEqual({ success: true, status: "ok", services, jobs });
  expect(up.headers.get("server-timing")).toMatch(/^db;.*desc="1", kv;.*desc="1", do;/);

  await api.stopPostgres();
  const down = await api.get("/api/v2/health");
  expect(down.status).toBe(503);
  expect(down.headers.get("retry-after")).toBe("5");
  expect(await down.json()).toMatchObject({
    success: false,
    code: "database_unavailable",
    detail: "Unavailable: postgres.",
    services: { postgres: { status: "down" }, kv: { status: "up" } },
  });

  await api.startPostgres();
  expect((await api.get("/api/v2/health")).status).toBe(200);
});

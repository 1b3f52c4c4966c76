import { sql } from "drizzle-orm";
import { Hono } from "hono";
import * as z from "zod";
import { route, type AppEnv } from "./route.ts";
import { AppError } from "../kit/errors.ts";
import { failedJobs, outbox } from "../kit/db/tables.ts";

const Service = z.object({ status: z.enum(["up", "down"]), latency_ms: z.number().min(0) });
const Services = z.object({ postgres: Service, kv: Service });
const Jobs = z.object({
  waiting: z.int().min(0).meta({ description: "Unfinished jobs, counted up to 1,000" }),
  overdue: z.int().min(0).meta({
    description: "Unfinished jobs that were lost or never sent, or whose consumer died; they are sent again within a minute",
  }),
  running: z.int().min(0).meta({ description: "Jobs that a consumer holds at the moment" }),
  deferred: z
    .int()
    .min(0)
    .meta({ description: "Jobs that wait for their turn: their user has the maximum of jobs of this type in the queue" }),
  oldest_seconds: z.int().min(0).meta({ description: "Age of the oldest unfinished job" }),
  failed: z.int().min(0).meta({ description: "Failed jobs, counted up to 1,000" }),
});

/** The counts of background jobs. The query also checks that Postgres answers. */
const backlog = sql<z.output<typeof Jobs>>`
  select count(*)::int as waiting, (count(*) filter (where due_at < now()))::int as overdue,
    (count(*) filter (where lease is not null and due_at >= now()))::int as running,
    (count(*) filter (where due_at is null))::int as deferred,
    coalesce(extract(epoch from now() - min(created_at)), 0)::int as oldest_seconds,
    (select count(*)::int from (select from ${failedJobs} limit 1000) failed) as failed
  from (select due_at, lease, created_at from ${outbox} order by id limit 1000) waiting`;

export const health = new Hono<AppEnv>();

health.get(
  "/health",
  route(
    {
      id: "isAlive",
      summary: "Check that the Worker runs, without calling other services",
      tag: "Health",
      reply: z.object({ success: z.literal(true), status: z.literal("ok") }),
    },
    () => ({ success: true as const, status: "ok" as const }),
  ),
);

health.get(
  "/api/v2/health",
  route(
    {
      id: "getHealth",
      summary: "Check Postgres and KV with their latency, and the queue of background jobs",
      tag: "Health",
      reply: z.object({ success: z.literal(true), status: z.literal("ok"), services: Services, jobs: Jobs }),
      errors: ["database_unavailable", "kv_unavailable"],
    },
    async ({ ctx }) => {
      let jobs: z.output<typeof Jobs> | undefined;
      const [postgres, kv] = await Promise.all([
        probe(async () => ([jobs] = (await ctx.db.execute<z.output<typeof Jobs>>(backlog)).rows)),
        probe(() => ctx.cache.get("health")),
      ]);
      const services = { postgres, kv };
      const down = Object.entries(services).flatMap(([name, { status }]) => (status === "down" ? [name] : []));
      if (down.length > 0) {
        const code = postgres.status === "down" ? "database_unavailable" : "kv_unavailable";
        throw new AppError(code, `Unavailable: ${down.join(", ")}.`, { extensions: { services } });
      }
      return { success: true as const, status: "ok" as const, services, jobs: jobs! };
    },
  ),
);

async function probe(ask: () => Promise<unknown>): Promise<z.output<typeof Service>> {
  const start = performance.now();
  const status = await ask().then(
    () => "up" as const,
    () => "down" as const,
  );
  return { status, latency_ms: Math.round(performance.now() - start) };
}

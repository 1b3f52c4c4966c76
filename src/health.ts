import { sql } from "drizzle-orm";
import { Hono } from "hono";
import * as z from "zod";
import { route, type AppEnv } from "./http.ts";
import { AppError } from "./kit/errors.ts";

const Service = z.object({ status: z.enum(["up", "down"]), latency_ms: z.number().min(0) });
const Services = z.object({ postgres: Service, kv: Service });

export const health = new Hono<AppEnv>();

health.get(
  "/health",
  route(
    {
      id: "isAlive",
      summary: "Tell whether the Worker is alive, asking nobody",
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
      summary: "Ask Postgres and KV, and tell how long each took",
      tag: "Health",
      reply: z.object({ success: z.literal(true), status: z.literal("ok"), services: Services }),
      fails: ["database_unavailable", "kv_unavailable"],
    },
    async ({ ctx }) => {
      const [postgres, kv] = await Promise.all([
        probe(() => ctx.db.execute(sql`select 1`)),
        probe(() => ctx.cache.get("health")),
      ]);
      const services = { postgres, kv };
      const down = Object.entries(services).flatMap(([name, { status }]) => (status === "down" ? [name] : []));
      if (down.length > 0) {
        const code = postgres.status === "down" ? "database_unavailable" : "kv_unavailable";
        throw new AppError(code, `Out of service: ${down.join(", ")}.`, { members: { services } });
      }
      return { success: true as const, status: "ok" as const, services };
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

import { Hono } from "hono";
import { requirePermission } from "../auth/middleware.ts";
import { route, type AppEnv } from "../http/route.ts";
import { OverviewReply } from "./schemas.ts";
import { readOverview } from "./service.ts";

/** At /api/v2/admin. */
export const operationsAdmin = new Hono<AppEnv>();

operationsAdmin.get(
  "/overview",
  route(
    {
      id: "getOverview",
      summary: "Get the figures of the service",
      description: "Counted in Postgres at each request. Poll it every minute at most.",
      tag: "Administration",
      access: requirePermission("admin.read"),
      reply: OverviewReply,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => ({ success: true as const, overview: await readOverview(ctx) }),
  ),
);

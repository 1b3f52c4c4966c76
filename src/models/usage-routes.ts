import { Hono } from "hono";
import { allow } from "../auth/middleware.ts";
import { userIdOf } from "../auth/self.ts";
import { route, type AppEnv } from "../http.ts";
import * as s from "./schemas.ts";
import { reportUsage } from "./usage-report.ts";

/** At /api/v2/usage. */
export const usage = new Hono<AppEnv>();

usage.get(
  "/",
  route(
    {
      id: "getUsage",
      summary: "Tell what your calls to models used and cost",
      tag: "Models",
      access: allow("models.read"),
      query: s.UsageQuery,
      reply: s.UsageReply,
      fails: ["database_unavailable"],
    },
    async ({ ctx, query }) => ({ success: true as const, ...(await reportUsage(ctx, userIdOf(ctx), query)) }),
  ),
);

import { Hono } from "hono";
import { requirePermission } from "../auth/middleware.ts";
import { route, type AppEnv } from "../http/route.ts";
import type { Ctx } from "../context.ts";
import type { Handler } from "../kit/queue/handler.ts";
import { IdParam } from "../kit/http/zod-schemas.ts";
import * as s from "./schemas.ts";
import { discardFailedJob, listFailedJobs, replayFailedJob } from "./service.ts";

const ok = { success: true as const };
const tag = "Administration";

/** At /api/v2/admin/jobs. @param handlers the handlers of all jobs */
export function failedJobsAdmin(handlers: readonly Handler<Ctx>[]): Hono<AppEnv> {
  const admin = new Hono<AppEnv>();
  const jobs = handlers.map(({ job }) => job);

  admin.get(
    "/failed",
    route(
      {
        id: "listFailedJobs",
        summary: "List failed jobs, newest first",
        tag,
        access: requirePermission("admin.read"),
        query: s.FailedJobsQuery,
        reply: s.FailedJobList,
        errors: ["database_unavailable"],
      },
      async ({ ctx, query }) => ({ ...ok, ...(await listFailedJobs(ctx, query, jobs)) }),
    ),
  );

  admin.post(
    "/failed/:id/replay",
    route(
      {
        id: "replayFailedJob",
        summary: "Retry a failed job",
        tag,
        access: requirePermission("admin.write", { sensitive: true }),
        params: IdParam,
        reply: s.FailedJobDone,
        status: 202,
        errors: ["not_found", "conflict", "database_unavailable"],
      },
      async ({ ctx, params }) => {
        await replayFailedJob(ctx, params.id, handlers);
        return { ...ok, message: "The job will be retried." };
      },
    ),
  );

  admin.delete(
    "/failed/:id",
    route(
      {
        id: "discardFailedJob",
        summary: "Discard a failed job",
        tag,
        access: requirePermission("admin.write", { sensitive: true }),
        params: IdParam,
        reply: s.FailedJobDone,
        errors: ["not_found", "database_unavailable"],
      },
      async ({ ctx, params }) => {
        await discardFailedJob(ctx, params.id);
        return { ...ok, message: "The job was discarded." };
      },
    ),
  );

  return admin;
}

import { Hono } from "hono";
import { allow } from "../auth/middleware.ts";
import { route, type AppEnv } from "../http/route.ts";
import type { Job } from "../kit/queue/outbox.ts";
import { IdParam } from "../kit/http/zod-schemas.ts";
import * as s from "./schemas.ts";
import { discardFailedJob, listFailedJobs, replayFailedJob } from "./service.ts";

const ok = { success: true as const };
const tag = "Administration";

/** At /api/v2/admin/jobs. @param jobs every kind of job that there is */
export function failedJobsAdmin(jobs: readonly Job[]): Hono<AppEnv> {
  const admin = new Hono<AppEnv>();

  admin.get(
    "/failed",
    route(
      {
        id: "listFailedJobs",
        summary: "List the jobs that were given up, the newest first",
        tag,
        access: allow("admin.read"),
        query: s.FailedJobsQuery,
        reply: s.FailedJobList,
        fails: ["database_unavailable"],
      },
      async ({ ctx, query }) => ({ ...ok, ...(await listFailedJobs(ctx, query, jobs)) }),
    ),
  );

  admin.post(
    "/failed/:id/replay",
    route(
      {
        id: "replayFailedJob",
        summary: "Have a job that was given up done after all",
        tag,
        access: allow("admin.write", { sensitive: true }),
        params: IdParam,
        reply: s.FailedJobDone,
        status: 202,
        fails: ["not_found", "conflict", "database_unavailable"],
      },
      async ({ ctx, params }) => {
        await replayFailedJob(ctx, params.id, jobs);
        return { ...ok, message: "The job will be done again." };
      },
    ),
  );

  admin.delete(
    "/failed/:id",
    route(
      {
        id: "discardFailedJob",
        summary: "Forget a job that was given up",
        tag,
        access: allow("admin.write", { sensitive: true }),
        params: IdParam,
        reply: s.FailedJobDone,
        fails: ["not_found", "database_unavailable"],
      },
      async ({ ctx, params }) => {
        await discardFailedJob(ctx, params.id);
        return { ...ok, message: "The job is forgotten." };
      },
    ),
  );

  return admin;
}

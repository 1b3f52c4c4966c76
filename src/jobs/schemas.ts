import * as z from "zod";
import { Id, Timestamp, NextCursor, ok, PageQuery, TotalCount } from "../kit/http/zod-schemas.ts";

export const FailedJobsQuery = z.object({
  ...PageQuery,
  name: z.string().trim().min(1).max(100).optional().meta({ description: "Only jobs with this name", example: "send-mail" }),
});

const FailedJob = z
  .object({
    id: Id,
    name: z.string(),
    payload: z.unknown().meta({ description: "The input of the job. Null if the job type carries secrets" }),
    user_id: Id.nullable().meta({ description: "The user that the job concerns" }),
    request_id: z.string().meta({ description: "ID of the request that enqueued the job" }),
    code: z.string().meta({
      description:
        "Why it was given up: `consumer_lost` if it stopped its consumer twice, `attempts_exhausted` after the last attempt, or the code of its error",
    }),
    error: z.string().meta({ description: "Error of the last attempt" }),
    attempts: z.int().min(0).meta({ description: "Number of started attempts" }),
    created_at: Timestamp,
    failed_at: Timestamp,
  })
  .meta({
    id: "FailedJob",
    examples: [
      {
        id: 3,
        name: "prove-address",
        payload: { user_id: 7 },
        user_id: 7,
        request_id: "8f14e45f-ceea-467f-a8b1-a1c6d6a1c0de-1",
        code: "attempts_exhausted",
        error: "AppError: The database does not answer.",
        attempts: 12,
        created_at: new Date("2026-11-23T10:00:00Z"),
        failed_at: new Date("2026-11-23T10:40:00Z"),
      },
    ],
  });

export const FailedJobList = z.object({ ...ok, jobs: z.array(FailedJob), total: TotalCount, next_cursor: NextCursor });
export const FailedJobDone = z.object({ ...ok, message: z.string() });

import type * as z from "zod";
import type { Statement, TransactionContext } from "../db/commit.ts";
import { failedJobs } from "../db/tables.ts";
import type { Job } from "./outbox.ts";

/** Work that failed outside the queue. */
export type Failure = {
  /** The unique reference of the work. */
  reference: string;
  userId: number;
  /** The reason, without data of users. */
  error: string;
  createdAt: Date;
};

/**
 * The statement that shows failed work to administrators, who can replay it as a job or discard it. The same work is shown once.
 * @throws a ZodError for an invalid payload
 */
export function failedJobRow<P extends z.ZodType>(
  { db, requestId }: Pick<TransactionContext, "db" | "requestId">,
  { name, payload: schema }: Job<P>,
  payload: z.input<P>,
  { reference, userId, error, createdAt }: Failure,
): Statement {
  const row = { reference, name, payload: schema.parse(payload), user_id: userId, request_id: requestId };
  return db
    .insert(failedJobs)
    .values({ ...row, error, attempts: 1, created_at: createdAt })
    .onConflictDoNothing();
}

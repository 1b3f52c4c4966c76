import { inArray, sql, type SQL } from "drizzle-orm";
import * as z from "zod";
import { afterCommit, type TransactionContext, type Statement } from "../db/commit.ts";
import { AppError } from "../errors.ts";
import { log } from "../log.ts";
import { jobDue, outbox } from "../db/tables.ts";

/** A type of background job: its name and the schema of its payload. */
export type Job<Payload extends z.ZodType = z.ZodType> = {
  readonly name: string;
  readonly payload: Payload;
  /** Whether the payload contains secrets. Then it is never shown. */
  readonly isSecret: boolean;
};

/** Defines a job. The application registers its handler. */
export function defineJob<Payload extends z.ZodType>(name: string, payload: Payload, { isSecret = false } = {}): Job<Payload> {
  return { name, payload, isSecret };
}

/** A message in the queue. */
export const JobMessage = z.object({ id: z.int(), name: z.string(), payload: z.unknown(), request_id: z.string() });
export type JobMessage = z.output<typeof JobMessage>;

/** The largest message that the platform accepts, in bytes: 128 KB minus its overhead. */
const maxMessageBytes = 127_000;

/** The parts of the context that `enqueueJob` needs. */
export type JobSender = TransactionContext & {
  readonly env: { readonly JOBS: { send(message: JobMessage): Promise<unknown> } };
};

const encoder = new TextEncoder();

/**
 * The statement that enqueues a job. The job runs only if the commit succeeds. It is sent after the commit; the sweep sends lost and
 * unfinished jobs again.
 * @param userId the user that the job is about. The erasure of the user deletes the job
 * @throws payload_too_large for a payload that is larger than a message; a ZodError for an invalid payload
 */
export function enqueueJob<P extends z.ZodType>(ctx: JobSender, job: Job<P>, payload: z.input<P>, userId?: number): Statement {
  const jobPayload = job.payload.parse(payload);
  const { requestId } = ctx;
  const size = encoder.encode(JSON.stringify({ name: job.name, payload: jobPayload, request_id: requestId })).length;
  if (size > maxMessageBytes) {
    throw new AppError(
      "payload_too_large",
      `The payload of the job ${job.name} is too large: ${size} bytes. The maximum is ${maxMessageBytes}.`,
    );
  }
  return outboxRow(ctx, job, sql`${JSON.stringify(jobPayload)}::jsonb`, userId);
}

/** Like `enqueueJob`, with a payload that the commit computes: an SQL expression of type `jsonb`. */
export function enqueueJobWithSql(ctx: JobSender, job: Job, payload: SQL, userId: number): Statement {
  return outboxRow(ctx, job, payload, userId);
}

/**
 * A query that enqueues one job for each row of another query with `payload` and `user_id`. The next sweep sends the jobs.
 */
export function enqueueJobsFrom({ requestId }: Pick<TransactionContext, "requestId">, { name }: Job, rows: SQL): SQL {
  return sql`
    insert into ${outbox} (name, payload, user_id, request_id, due_at)
    select ${name}, asked.payload, asked.user_id, ${requestId}, now() from (${rows}) asked (payload, user_id)`;
}

function outboxRow(ctx: JobSender, { name }: Job, payload: SQL, userId: number | undefined): Statement {
  const { id, request_id } = outbox;
  const row = ctx.db
    .insert(outbox)
    .values({ name, payload, user_id: userId ?? null, request_id: ctx.requestId })
    .returning({ id, name: outbox.name, payload: outbox.payload, request_id });
  return afterCommit(row, ([message]) => ctx.env.JOBS.send(message!));
}

/** Sends overdue jobs again: jobs that were never sent, and jobs whose message was lost. @returns their count */
export async function sweepOutbox(ctx: JobSender, atMost = 500): Promise<number> {
  const due = ctx.db
    .select({ id: outbox.id })
    .from(outbox)
    .where(sql`${outbox.due_at} < now()`)
    .orderBy(outbox.due_at)
    .limit(atMost)
    .for("update", { skipLocked: true });
  const rows = await ctx.db
    .update(outbox)
    .set({ due_at: jobDue })
    .where(inArray(outbox.id, due))
    .returning({ id: outbox.id, name: outbox.name, payload: outbox.payload, request_id: outbox.request_id });
  // A batch has at most 256 KB, and one message can have half of that, so each is sent alone.
  for (const row of rows) await ctx.env.JOBS.send(row);
  if (rows.length > 0) log("warn", "Overdue jobs were sent again.", { jobs: rows.length });
  return rows.length;
}

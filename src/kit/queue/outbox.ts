import { inArray, sql, type SQL } from "drizzle-orm";
import * as z from "zod";
import { afterCommit, type TransactionContext, type Statement } from "../db/commit.ts";
import { AppError } from "../errors.ts";
import { log } from "../log.ts";
import { jobDue, outbox } from "../db/tables.ts";

/** A kind of background work: its name, and what it must be told. */
export type Job<Payload extends z.ZodType = z.ZodType> = {
  readonly name: string;
  readonly payload: Payload;
  /** Its payload holds secrets, so nobody is shown it. */
  readonly isSecret: boolean;
};

/** Defines a job. What does it is named in the composition of the application alone. */
export function defineJob<Payload extends z.ZodType>(name: string, payload: Payload, { isSecret = false } = {}): Job<Payload> {
  return { name, payload, isSecret };
}

/** What travels through the queue. */
export const JobMessage = z.object({ id: z.int(), name: z.string(), payload: z.unknown(), request_id: z.string() });
export type JobMessage = z.output<typeof JobMessage>;

/** The largest message that the platform takes, in bytes: 128 KB, less what it adds. */
const maxMessageBytes = 127_000;

/** What sending takes: the event, its queue, and a database whose round trips its reply does not count. */
export type JobSender = TransactionContext & {
  readonly env: { readonly JOBS: { send(message: JobMessage): Promise<unknown> } };
};

const encoder = new TextEncoder();

/**
 * The statement that asks for a job: it is done if the commit holds, and not otherwise. It is sent once the commit has held; what is not
 * sent then, or not done, the sweep sends again.
 * @param userId whom it is about, so that it goes when they go
 * @throws payload_too_large for more than a message can carry; a ZodError for a payload that is none
 */
export function enqueueJob<P extends z.ZodType>(ctx: JobSender, job: Job<P>, payload: z.input<P>, userId?: number): Statement {
  const told = job.payload.parse(payload);
  const { requestId } = ctx;
  const size = encoder.encode(JSON.stringify({ name: job.name, payload: told, request_id: requestId })).length;
  if (size > maxMessageBytes) {
    throw new AppError(
      "payload_too_large",
      `The payload of the job ${job.name} is too large: ${size} bytes. The maximum is ${maxMessageBytes}.`,
    );
  }
  return outboxRow(ctx, job, sql`${JSON.stringify(told)}::jsonb`, userId);
}

/** As `jobRow`, for a job that is told what the commit finds: an expression of `jsonb` which makes a small payload. */
export function enqueueJobWithSql(ctx: JobSender, job: Job, payload: SQL, userId: number): Statement {
  return outboxRow(ctx, job, payload, userId);
}

/**
 * The query that asks for one job for each row of another, of `payload` and `user_id`: for a statement that finds out as it runs what is
 * to be done. They are sent by the next sweep.
 */
export function enqueueJobsFrom({ requestId }: Pick<TransactionContext, "requestId">, { name }: Job, rows: SQL): SQL {
  return sql`
    insert into ${outbox} (name, payload, user_id, request_id, due_at)
    select ${name}, asked.payload, asked.user_id, ${requestId}, now() from (${rows}) asked (payload, user_id)`;
}

function outboxRow(ctx: JobSender, { name }: Job, payload: SQL, userId: number | undefined): Statement {
  const { id, payload: told, request_id } = outbox;
  const row = ctx.db
    .insert(outbox)
    .values({ name, payload, user_id: userId ?? null, request_id: ctx.requestId })
    .returning({ id, name: outbox.name, payload: told, request_id });
  return afterCommit(row, ([made]) => ctx.env.JOBS.send(made!));
}

/** Sends the jobs that are overdue again: those that were never sent, and those whose message was lost. @returns how many */
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
  // A batch takes 256 KB, and a message may have half of them.
  for (const row of rows) await ctx.env.JOBS.send(row);
  if (rows.length > 0) log("warn", "Overdue jobs were sent again.", { jobs: rows.length });
  return rows.length;
}

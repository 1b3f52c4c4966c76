import { inArray, sql, type SQL } from "drizzle-orm";
import type * as z from "zod";
import { afterCommit, type TransactionContext, type Statement } from "../db/commit.ts";
import { AppError } from "../errors.ts";
import { log } from "../log.ts";
import { jobDue, outbox } from "../db/tables.ts";
import type { JobMessage, JobSender } from "./message.ts";
import { dueTimeOfNew, isInFlight, maxJobsPerUser } from "./user-limit.ts";

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

/** The largest message that the platform accepts, in bytes: 128 KB minus its overhead. */
const maxMessageBytes = 127_000;

const encoder = new TextEncoder();

/**
 * The statement that enqueues a job. The job runs only if the commit succeeds. It is sent after the commit; the sweep sends lost and
 * unfinished jobs again. If the user has the maximum of jobs of this type in the queue, it waits until one of them ends.
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
 * A query that enqueues one job for each row of another query with `payload` and `user_id`. The next sweep sends the first jobs of each
 * user, and each job that ends sends the next.
 */
export function enqueueJobsFrom({ requestId }: Pick<TransactionContext, "requestId">, { name }: Job, rows: SQL): SQL {
  return sql`
    insert into ${outbox} (name, payload, user_id, request_id, due_at)
    select ${name}, asked.payload, asked.user_id, ${requestId}, null from (${rows}) asked (payload, user_id)`;
}

function outboxRow(ctx: JobSender, { name }: Job, payload: SQL, userId: number | undefined): Statement {
  const user = userId === undefined ? sql`null::int` : sql`${userId}::int`;
  return enqueueRows(ctx, sql`select ${name}::text, ${payload}, ${user}, ${ctx.requestId}::text`);
}

/** The statement that enqueues the jobs of a query with `name`, `payload`, `user_id` and `request_id`, in this order. */
export function enqueueRows(ctx: JobSender, jobs: SQL): Statement {
  const due = dueTimeOfNew(sql`asked.user_id`, sql`asked.name`);
  const enqueued = ctx.db.execute<JobMessage & { is_due: boolean }>(sql`
    insert into ${outbox} (name, payload, user_id, request_id, due_at)
    select asked.*, ${due} from (${jobs}) asked (name, payload, user_id, request_id)
    returning id, name, payload, request_id, due_at is not null as is_due`);
  return afterCommit(enqueued, ({ rows }) =>
    Promise.all(rows.flatMap(({ is_due, ...message }) => (is_due ? [ctx.env.JOBS.send(message)] : []))),
  );
}

/**
 * Sends overdue jobs again: jobs that were never sent, whose message was lost, or whose consumer died, whose lease it ends. Sends jobs that wait although their
 * user has less than the maximum in the queue. Each user's first jobs come before anybody's second ones.
 * @returns the count of jobs that were sent
 */
export async function sweepOutbox(ctx: JobSender, atMost = 500): Promise<number> {
  const { rows } = await ctx.db.execute<JobMessage & { place: number; is_overdue: boolean }>(sql`
    with listed as (
      select id, name, user_id, due_at, row_number() over (partition by user_id, name, due_at is null order by id) as place,
        count(*) filter (where ${isInFlight("o")}) over (partition by user_id, name) as in_flight
      from ${outbox} o),
    sendable as (
      select id, case when due_at is null then place + in_flight else place end as place from listed
      where due_at < now() or due_at is null and (user_id is null or place + in_flight <= ${maxJobsPerUser})),
    picked as (
      select o.id, o.due_at is not null as is_overdue from ${outbox} o join sendable s on s.id = o.id where o.due_at is null or o.due_at < now()
      order by s.place, o.id limit ${atMost} for update of o skip locked)
    update ${outbox} set due_at = ${jobDue}, lease = null, lost_attempts = lost_attempts + (lease is not null)::int
    from picked join sendable s on s.id = picked.id where ${outbox.id} = picked.id
    returning ${outbox.id}, name, payload, request_id, s.place, is_overdue`);
  const overdue = rows.filter(({ is_overdue }) => is_overdue).length;
  if (overdue > 0) log("warn", "Overdue jobs are sent again.", { jobs: overdue });
  return (
    rows.length -
    (await sendJobs(
      ctx,
      rows.toSorted((a, b) => a.place - b.place || a.id - b.id),
    ))
  );
}

/** Sends jobs in this order. One that cannot be sent does not stop the others; the next sweep sends it. @returns the count of unsent jobs */
async function sendJobs(ctx: JobSender, jobs: readonly JobMessage[]): Promise<number> {
  const unsent: number[] = [];
  let error: unknown;
  // A batch has at most 256 KB, and one message can have half of that, so each is sent alone.
  for (const { id, name, payload, request_id } of jobs) {
    try {
      await ctx.env.JOBS.send({ id, name, payload, request_id });
    } catch (cause) {
      unsent.push(id);
      error = cause;
    }
  }
  if (unsent.length === 0) return 0;
  log("error", "Jobs could not be sent. The next sweep sends them.", { jobs: unsent.length, error });
  await ctx.db.execute(sql`update ${outbox} set due_at = now() where ${inArray(outbox.id, unsent)} and lease is null`);
  return unsent.length;
}

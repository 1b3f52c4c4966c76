import { eq, sql } from "drizzle-orm";
import * as z from "zod";
import type { Database } from "../db/client.ts";
import { commit, type OnceGuard, type TransactionContext, type Statement } from "../db/commit.ts";
import { constraintOf, toAppError } from "../db/errors.ts";
import type { EventContext } from "../event-log.ts";
import { log, reasonsOf } from "../log.ts";
import { hasErrorFlag } from "../socket/call-object.ts";
import { logDeadLetter, logJob } from "./job-log.ts";
import { JobMessage, type Job } from "./outbox.ts";
import { failedJobs, outbox } from "../db/tables.ts";

/** Maximum attempts of a job: one, and `max_retries` of wrangler.toml. */
export const maxAttempts = 12;

const maxDelaySeconds = 900;

/**
 * Seconds before the next attempt of a failed job: 2, doubling up to 15 minutes; more than half an hour in total.
 * @param wait the `Retry-After` of the failure, in seconds; at most 15 minutes of it are used
 */
export function retryDelaySeconds(attempts: number, wait = 0): number {
  return Math.min(Math.max(2 ** attempts, Math.ceil(wait)), maxDelaySeconds);
}

/** A message in the dead-letter queue. If the platform moved it there, it is the original message. */
const DeadLetterMessage = JobMessage.extend({
  error: z.string().default("It reached the maximum number of attempts. The log has the errors."),
  attempts: z.int().default(maxAttempts),
});

/** A job with its handler. */
export type Handler<Ctx> = { job: Job; run(ctx: Ctx, payload: unknown): Promise<unknown> };

/** Defines the handler of a job. It can run twice, so its effect must be one `commitOnce`, or have its own idempotency key. */
export function handleJob<Ctx, P extends z.ZodType>(
  job: Job<P>,
  run: (ctx: Ctx, payload: z.output<P>) => Promise<unknown>,
): Handler<Ctx> {
  return { job, run };
}

/** Deletes the row of the job in the commit of its effect. If the row is gone, the job is done. */
function claimJob(db: Database, id: number): OnceGuard {
  return {
    used: false,
    acquire: () =>
      db.execute(sql`
        with done as (delete from ${outbox} where ${eq(outbox.id, id)} returning 1)
        select case when exists (select from done) then null else refuse('job_done') end`),
  };
}

/** What the consumer needs of a context. */
type JobContext = TransactionContext & EventContext;

export type JobConsumer<Ctx extends JobContext> = {
  handlers: readonly Handler<Ctx>[];
  /** The context of a job, with its name and the ID of the request that enqueued it. */
  contextOf(name: string, requestId: string): Ctx & { withGuard(guard: OnceGuard): Ctx };
  dead: { send(message: unknown): Promise<unknown> };
};

/** Runs the jobs of a batch concurrently. Each one is acknowledged, retried or failed separately. */
export async function consumeJobs<Ctx extends JobContext>(batch: MessageBatch, consumer: JobConsumer<Ctx>): Promise<void> {
  await Promise.all(batch.messages.map((message) => logJob(message, consumer, handleMessage)));
}

async function handleMessage<Ctx extends JobContext>(message: Message, consumer: JobConsumer<Ctx>): Promise<void> {
  try {
    await runJob(message.body, consumer);
    message.ack();
  } catch (error) {
    // A retry violates the same constraint again, so constraint errors are not retried.
    const failure = toAppError(error, {});
    // The error says whether it is retryable: an AppError, a Postgres error, or a platform error.
    const canRetry = failure?.retryable ?? hasErrorFlag(error, "retryable");
    const again = canRetry && message.attempts < maxAttempts;
    const fields = { ...headOf(message.body), attempts: message.attempts, error };
    log(again ? "warn" : "error", again ? "A job failed and will be retried." : "A job failed permanently.", fields);
    if (!again && (await deadLetter(message, error, consumer))) message.ack();
    else message.retry({ delaySeconds: retryDelaySeconds(message.attempts, failure?.retryAfterSeconds) });
  }
}

async function runJob<Ctx extends JobContext>(body: unknown, { handlers, contextOf }: JobConsumer<Ctx>): Promise<void> {
  const { id, name, payload, request_id } = JobMessage.parse(body);
  const handler = handlers.find(({ job }) => job.name === name);
  if (handler === undefined) throw new Error(`Unknown job: ${name}.`);
  const jobPayload = handler.job.payload.parse(payload);
  const ctx = contextOf(name, request_id);
  const claim = claimJob(ctx.db, id);
  // Checks that the job is not done, and moves its due time so that the sweep does not send it again while it runs.
  const pending = await ctx.db
    .update(outbox)
    .set({ due_at: sql`now() + interval '30 minutes'` })
    .where(eq(outbox.id, id))
    .returning({ id: outbox.id });
  if (pending.length === 0) return;
  try {
    await handler.run(ctx.withGuard(claim), jobPayload);
  } catch (error) {
    if (constraintOf(error) === "job_done") return;
    throw error;
  }
  if (!claim.used) await ctx.db.delete(outbox).where(eq(outbox.id, id));
}

/** Sends a message to the dead-letter queue, with the reason. @returns whether that succeeded */
async function deadLetter<Ctx extends JobContext>(
  { body, attempts }: Message,
  error: unknown,
  { dead }: JobConsumer<Ctx>,
): Promise<boolean> {
  const why = (reasonsOf(error).join("; ") || "It failed.").slice(0, 2_000);
  try {
    await dead.send({ ...(isRecord(body) ? body : { body }), error: why, attempts });
    return true;
  } catch (cause) {
    log("error", "A message could not be sent to the dead-letter queue.", { ...headOf(body), error: cause });
    return false;
  }
}

const isRecord = (body: unknown): body is Record<string, unknown> => typeof body === "object" && body !== null;

/** The name of a job and its request, for the log. */
const headOf = (body: unknown) => (isRecord(body) ? { name: body["name"], request_id: String(body["request_id"]) } : {});

/**
 * Inserts dead letters into `failed_jobs`. A duplicate message, or a message of a finished job, changes nothing.
 */
export async function consumeDeadJobs(batch: MessageBatch, ctx: JobContext): Promise<void> {
  await Promise.all(batch.messages.map((message) => logDeadLetter(message, ctx.env, (each) => storeFailedJob(each, ctx))));
}

async function storeFailedJob(message: Message, ctx: JobContext): Promise<void> {
  try {
    await commit(ctx, [failedRow(ctx.db, message)]);
    message.ack();
  } catch (error) {
    log("error", "A failed job could not be stored.", { ...headOf(message.body), error });
    message.retry({ delaySeconds: retryDelaySeconds(message.attempts) });
  }
}

function failedRow(db: Database, { id, body, timestamp }: Message): Statement {
  const dead = DeadLetterMessage.safeParse(body);
  if (!dead.success) {
    const stray = { name: "unknown", payload: body ?? null, request_id: "", attempts: 1, created_at: timestamp };
    return db
      .insert(failedJobs)
      .values({ ...stray, reference: `message:${id}`, error: "This message is not a valid job." })
      .onConflictDoNothing();
  }
  const { id: jobId, error, attempts } = dead.data;
  return db.execute(sql`
    with given_up as (delete from ${outbox} where ${eq(outbox.id, jobId)} returning *)
    insert into ${failedJobs} (reference, name, payload, user_id, request_id, error, attempts, created_at)
    select ${`job:${jobId}`}, name, payload, user_id, request_id, ${error}, ${attempts}, created_at from given_up
    on conflict do nothing`);
}

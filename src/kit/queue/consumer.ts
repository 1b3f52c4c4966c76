import { eq, sql } from "drizzle-orm";
import * as z from "zod";
import type { Database } from "../db/client.ts";
import { commit, type OnceGuard, type TransactionContext, type Statement } from "../db/commit.ts";
import { constraintOf, toAppError } from "../db/errors.ts";
import { log, reasonsOf } from "../log.ts";
import { hasErrorFlag } from "../socket/call-object.ts";
import { JobMessage, type Job } from "./outbox.ts";
import { failedJobs, outbox } from "../db/tables.ts";

/** How often a job is tried: once, and `max_retries` of wrangler.toml. */
export const maxAttempts = 12;

const maxDelaySeconds = 900;

/**
 * Seconds before a job that failed is tried again: 2, doubling up to 15 minutes; half an hour and more in all.
 * @param wait for how long whoever refused wants to be left alone, in seconds; 15 minutes of it at most
 */
export function retryDelaySeconds(attempts: number, wait = 0): number {
  return Math.min(Math.max(2 ** attempts, Math.ceil(wait)), maxDelaySeconds);
}

/** What travels through the dead-letter queue: the message itself where the platform gave it up. */
const DeadLetterMessage = JobMessage.extend({
  error: z.string().default("It reached the maximum number of attempts. The log has the errors."),
  attempts: z.int().default(maxAttempts),
});

/** A job with what does it. */
export type Handler<Ctx> = { job: Job; run(ctx: Ctx, payload: unknown): Promise<unknown> };

/** Names what does a job. It may be run twice: its effect is one `commitOnce`, or carries a key of its own. */
export function handleJob<Ctx, P extends z.ZodType>(
  job: Job<P>,
  run: (ctx: Ctx, payload: z.output<P>) => Promise<unknown>,
): Handler<Ctx> {
  return { job, run };
}

/** A job's row goes with its effect: whoever finds it gone was late. */
function claimJob(db: Database, id: number): OnceGuard {
  return {
    used: false,
    acquire: () =>
      db.execute(sql`
        with done as (delete from ${outbox} where ${eq(outbox.id, id)} returning 1)
        select case when exists (select from done) then null else refuse('job_done') end`),
  };
}

export type JobConsumer<Ctx extends TransactionContext> = {
  handlers: readonly Handler<Ctx>[];
  /** The context of a job: named for it, with the id of the request that asked for it. */
  contextOf(name: string, requestId: string): Ctx & { withGuard(guard: OnceGuard): Ctx };
  dead: { send(message: unknown): Promise<unknown> };
};

/** Does the jobs of a batch, at once. Each is acknowledged, tried again later, or given up, by itself. */
export async function consumeJobs<Ctx extends TransactionContext>(
  batch: MessageBatch,
  consumer: JobConsumer<Ctx>,
): Promise<void> {
  await Promise.all(batch.messages.map((message) => handleMessage(message, consumer)));
}

async function handleMessage<Ctx extends TransactionContext>(message: Message, consumer: JobConsumer<Ctx>): Promise<void> {
  try {
    await runJob(message.body, consumer);
    message.ack();
  } catch (error) {
    // A constraint refuses the same work again, whatever it means to a client.
    const failure = toAppError(error, {});
    // By what the error says: ours, Postgres's, or the platform's of an object or a queue.
    const canRetry = failure?.retryable ?? hasErrorFlag(error, "retryable");
    const again = canRetry && message.attempts < maxAttempts;
    const fields = { body: nameOf(message.body), attempts: message.attempts, error };
    log(again ? "warn" : "error", again ? "A job failed and will be retried." : "A job failed permanently.", fields);
    if (!again && (await deadLetter(message, error, consumer))) message.ack();
    else message.retry({ delaySeconds: retryDelaySeconds(message.attempts, failure?.retryAfterSeconds) });
  }
}

async function runJob<Ctx extends TransactionContext>(body: unknown, { handlers, contextOf }: JobConsumer<Ctx>): Promise<void> {
  const { id, name, payload, request_id } = JobMessage.parse(body);
  const handler = handlers.find(({ job }) => job.name === name);
  if (handler === undefined) throw new Error(`Unknown job: ${name}.`);
  const told = handler.job.payload.parse(payload);
  const ctx = contextOf(name, request_id);
  const claim = claimJob(ctx.db, id);
  // Whether it is done already, and, where it is not, that nobody takes it for lost while it runs.
  const held = await ctx.db
    .update(outbox)
    .set({ due_at: sql`now() + interval '30 minutes'` })
    .where(eq(outbox.id, id))
    .returning({ id: outbox.id });
  if (held.length === 0) return;
  try {
    await handler.run(ctx.withGuard(claim), told);
  } catch (error) {
    if (constraintOf(error) === "job_done") return;
    throw error;
  }
  if (!claim.used) await ctx.db.delete(outbox).where(eq(outbox.id, id));
}

/** Hands a message to the dead-letter queue, with why. @returns whether that queue has it */
async function deadLetter<Ctx extends TransactionContext>(
  { body, attempts }: Message,
  error: unknown,
  { dead }: JobConsumer<Ctx>,
): Promise<boolean> {
  const why = (reasonsOf(error).join("; ") || "It failed.").slice(0, 2_000);
  try {
    await dead.send({ ...(isRecord(body) ? body : { body }), error: why, attempts });
    return true;
  } catch (cause) {
    log("error", "A message could not be sent to the dead-letter queue.", { error: cause });
    return false;
  }
}

const isRecord = (body: unknown): body is Record<string, unknown> => typeof body === "object" && body !== null;

const nameOf = (body: unknown): unknown => (isRecord(body) ? body["name"] : typeof body);

/**
 * Writes what was given up into `failed_jobs`. A message that comes twice, or whose job was done after all, changes nothing.
 */
export async function consumeDeadJobs(batch: MessageBatch, ctx: TransactionContext): Promise<void> {
  await Promise.all(
    batch.messages.map(async (message) => {
      try {
        await commit(ctx, [failedRow(ctx.db, message)]);
        message.ack();
      } catch (error) {
        log("error", "A failed job could not be stored.", { error });
        message.retry({ delaySeconds: retryDelaySeconds(message.attempts) });
      }
    }),
  );
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

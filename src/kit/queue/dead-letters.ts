import { eq, sql } from "drizzle-orm";
import * as z from "zod";
import { afterCommit, commit, type Statement } from "../db/commit.ts";
import { constraintOf } from "../db/errors.ts";
import { failedJobs, outbox } from "../db/tables.ts";
import type { EventContext } from "../event-log.ts";
import { toPostgresJson } from "../db/text.ts";
import { log } from "../log.ts";
import type { Handler } from "./handler.ts";
import { headOf, logDeadLetter } from "./job-log.ts";
import { JobMessage, type JobSender } from "./message.ts";
import { maxAttempts, retryDelaySeconds } from "./retry.ts";
import { nextOfUser, sendNextOfUser, type NextRow } from "./user-limit.ts";

/** A message in the dead-letter queue. If the platform moved it there, it is the original message. */
const DeadLetterMessage = JobMessage.extend({
  code: z.string().default("attempts_exhausted"),
  error: z.string().default("It reached the maximum number of attempts. The log has the errors."),
  attempts: z.int().default(maxAttempts),
});
type DeadLetterMessage = z.output<typeof DeadLetterMessage>;

/**
 * Gives dead letters up: one commit inserts each into `failed_jobs`, and marks what it worked on as failed. A duplicate message, or a
 * message of a finished job, changes nothing. A job that runs is not given up.
 */
export async function consumeDeadJobs<Ctx extends JobSender & EventContext>(
  batch: MessageBatch,
  ctx: Ctx,
  handlers: readonly Handler<Ctx>[],
): Promise<void> {
  await Promise.all(
    batch.messages.map((message) => logDeadLetter(message, ctx.env, (each) => storeFailedJob(ctx, each, handlers))),
  );
}

async function storeFailedJob<Ctx extends JobSender>(
  ctx: Ctx,
  message: Message,
  handlers: readonly Handler<Ctx>[],
): Promise<void> {
  try {
    await giveUp(ctx, message, handlers);
    message.ack();
  } catch (error) {
    if (constraintOf(error) === "job_done") return message.ack();
    log("error", "A failed job could not be stored.", { ...headOf(message.body), error });
    message.retry({ delaySeconds: retryDelaySeconds(message.attempts) });
  }
}

async function giveUp<Ctx extends JobSender>(ctx: Ctx, message: Message, handlers: readonly Handler<Ctx>[]): Promise<void> {
  const dead = DeadLetterMessage.safeParse(message.body);
  if (!dead.success) {
    await commit(ctx, [strayRow(ctx, message)]);
    return;
  }
  const { name, payload, code, request_id } = dead.data;
  const handler = handlers.find(({ job }) => job.name === name);
  const jobPayload = handler?.job.payload.safeParse(payload);
  const marks =
    jobPayload?.success === true ? await handler!.onGiveUp?.(ctx, jobPayload.data, { code, requestId: request_id }) : undefined;
  await commit(ctx, [failedRow(ctx, dead.data), ...(marks ?? [])]);
}

function strayRow({ db }: JobSender, { id, body, timestamp }: Message): Statement {
  const stray = { name: "unknown", payload: toPostgresJson(body ?? null), request_id: "", attempts: 1, created_at: timestamp };
  return db
    .insert(failedJobs)
    .values({ ...stray, reference: `message:${id}`, code: "validation_failed", error: "This message is not a valid job." })
    .onConflictDoNothing();
}

/** Moves a job to the failed ones. Refuses with `job_done` if it is gone, with `job_held` while a consumer runs it. */
function failedRow(ctx: JobSender, { id, code, error, attempts }: DeadLetterMessage): Statement {
  const moved = ctx.db.execute<NextRow>(sql`
    with ended as (delete from ${outbox} where ${eq(outbox.id, id)} and (lease is null or due_at < now()) returning *),
    failed as (
      insert into ${failedJobs} (reference, name, payload, user_id, request_id, code, error, attempts, created_at)
      select ${`job:${id}`}, name, payload, user_id, request_id, ${code}, ${error}, ${attempts}::int, created_at from ended
      on conflict do nothing),
    ${nextOfUser}
    select case when exists (select from ended) then null
        when exists (select from ${outbox} where ${eq(outbox.id, id)}) then refuse('job_held') else refuse('job_done') end, next.*
    from (select) one left join next on true`);
  return afterCommit(moved, ({ rows }) => sendNextOfUser(ctx, rows));
}

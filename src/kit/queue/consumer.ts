import type { OnceGuard } from "../db/commit.ts";
import { constraintOf, toAppError } from "../db/errors.ts";
import type { EventContext } from "../event-log.ts";
import { log, reasonsOf } from "../log.ts";
import { hasErrorFlag } from "../socket/call-object.ts";
import type { Handler } from "./handler.ts";
import { headOf, logJob } from "./job-log.ts";
import { takeJob, type Lease, type Repeat } from "./lease.ts";
import { JobMessage, type JobSender } from "./message.ts";
import { maxAttempts, maxLostAttempts, retryDelaySeconds } from "./retry.ts";

/** Seconds after which the sweep sends a failed job again, if its retry or its dead letter is lost. */
const lostRetrySeconds = 60;
const lostDeadLetterSeconds = 900;

/** What the consumer needs of a context. */
type JobContext = JobSender & EventContext;

export type JobConsumer<Ctx extends JobContext> = {
  handlers: readonly Handler<Ctx>[];
  /** The context of a job, with its name and the ID of the request that enqueued it. */
  contextOf(name: string, requestId: string): Ctx & { withGuard(guard: OnceGuard): Ctx };
  dead: { send(message: unknown): Promise<unknown> };
  /** Repeats the renewal of a lease. Default: an interval */
  repeat?: Repeat;
};

/** Runs the jobs of a batch concurrently. Each one is acknowledged, retried or failed separately. */
export async function consumeJobs<Ctx extends JobContext>(batch: MessageBatch, consumer: JobConsumer<Ctx>): Promise<void> {
  await Promise.all(batch.messages.map((message) => logJob(message, consumer, handleMessage)));
}

/** A job that is given up without another attempt. `message` is its error in `failed_jobs`. */
class GiveUpError extends Error {
  override readonly name = "GiveUpError";
  readonly code: "consumer_lost" | "attempts_exhausted";

  constructor(code: GiveUpError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

async function handleMessage<Ctx extends JobContext>(message: Message, consumer: JobConsumer<Ctx>): Promise<void> {
  let lease: Lease | undefined;
  try {
    const { id, name, payload, request_id } = JobMessage.parse(message.body);
    const handler = consumer.handlers.find(({ job }) => job.name === name);
    if (handler === undefined) throw new Error(`Unknown job: ${name}.`);
    const jobPayload = handler.job.payload.parse(payload);
    const ctx = consumer.contextOf(name, request_id);
    lease = await takeJob(ctx, id);
    if (lease !== undefined) {
      assertCanRun(lease);
      await runJob(lease, consumer.repeat ?? interval, () => handler.run(ctx.withGuard(lease!), jobPayload));
    }
    message.ack();
  } catch (error) {
    // The job is done, or its other consumer goes on.
    if (lease?.signal.aborted === true || constraintOf(error) === "job_done") message.ack();
    else await handleFailure(message, lease, error, consumer);
  }
}

/** @throws GiveUpError for a job that stopped its consumers, or has no attempts left */
function assertCanRun({ lostAttempts, attempts }: Lease): void {
  if (lostAttempts >= maxLostAttempts) {
    throw new GiveUpError(
      "consumer_lost",
      `The job stopped its consumer ${lostAttempts} times in a row, without an error: the limit is ${maxLostAttempts}. It may need too much time or memory.`,
    );
  }
  if (attempts > maxAttempts) {
    throw new GiveUpError("attempts_exhausted", `The job reached the maximum of ${maxAttempts} attempts.`);
  }
}

async function runJob(lease: Lease, repeat: Repeat, run: () => Promise<unknown>): Promise<void> {
  const stop = lease.keep(repeat);
  try {
    await run();
    await lease.end();
  } finally {
    stop();
  }
}

function interval(seconds: number, task: () => void): () => void {
  const timer = setInterval(task, seconds * 1_000);
  return () => clearInterval(timer);
}

async function handleFailure<Ctx extends JobContext>(
  message: Message,
  lease: Lease | undefined,
  error: unknown,
  consumer: JobConsumer<Ctx>,
): Promise<void> {
  // A retry violates the same constraint again, so constraint errors are not retried.
  const failure = toAppError(error, {});
  // The error says whether it is retryable: an AppError, a Postgres error, or a platform error.
  const canRetry = failure?.retryable ?? hasErrorFlag(error, "retryable");
  const attempts = Math.max(lease?.attempts ?? 1, message.attempts);
  const again = canRetry && attempts < maxAttempts;
  const fields = { ...headOf(message.body), attempts, error };
  log(again ? "warn" : "error", again ? "A job failed and will be retried." : "A job failed permanently.", fields);
  const delaySeconds = retryDelaySeconds(attempts, failure?.retryAfterSeconds);
  const isGivenUp = error instanceof GiveUpError;
  await release(lease, again ? delaySeconds + lostRetrySeconds : lostDeadLetterSeconds, isGivenUp);
  const code = isGivenUp ? error.code : canRetry ? "attempts_exhausted" : (failure?.code ?? "internal");
  // The attempt that gives a job up does not run it.
  const dead = { code, error: reasonOf(error), attempts: isGivenUp ? attempts - 1 : attempts };
  if (!again && (await deadLetter(message.body, dead, consumer))) message.ack();
  else message.retry({ delaySeconds });
}

/** Releases a lease, so that the failure does not count as a lost consumer. */
async function release(lease: Lease | undefined, seconds: number, keepLost: boolean): Promise<void> {
  try {
    await lease?.release(seconds, { keepLost });
  } catch (error) {
    log("warn", "The lease of a failed job was not released. It ends by itself.", { error });
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof GiveUpError ? error.message : (reasonsOf(error).join("; ") || "It failed.").slice(0, 2_000);

/** Sends a message to the dead-letter queue, with the reason. @returns whether that succeeded */
async function deadLetter<Ctx extends JobContext>(
  body: unknown,
  reason: { code: string; error: string; attempts: number },
  { dead }: JobConsumer<Ctx>,
): Promise<boolean> {
  try {
    await dead.send({ ...(isRecord(body) ? body : { body }), ...reason });
    return true;
  } catch (cause) {
    log("error", "A message could not be sent to the dead-letter queue.", { error: cause });
    return false;
  }
}

const isRecord = (body: unknown): body is Record<string, unknown> => typeof body === "object" && body !== null;

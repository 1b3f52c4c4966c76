import { toAppError } from "../db/errors.ts";
import { logEvent, millisecondsSince, type EventContext } from "../event-log.ts";
import { log } from "../log.ts";

/** The schedules that wrangler.toml triggers, in UTC. */
export const everyMinute = "* * * * *";
export const everyFiveMinutes = "*/5 * * * *";
export const dailyAt0317 = "17 3 * * *";
export const dailyAt0441 = "41 4 * * *";

/** Work that runs on a schedule. */
export type CronJob<Ctx> = {
  readonly name: string;
  readonly schedule: typeof everyMinute | typeof everyFiveMinutes | typeof dailyAt0317 | typeof dailyAt0441;
  run(ctx: Ctx): Promise<unknown>;
};

/**
 * Runs the jobs of a schedule concurrently. A failed job does not stop the others.
 * @throws an AggregateError with the errors of the jobs
 */
export async function runCron<Ctx extends EventContext>(
  jobs: readonly CronJob<Ctx>[],
  schedule: string,
  contextOf: (name: string) => Ctx,
): Promise<void> {
  const due = jobs.filter((job) => job.schedule === schedule);
  if (due.length === 0) throw new Error(`Nothing is scheduled for ${schedule}.`);
  const runs = await Promise.allSettled(due.map((job) => runJob(job, contextOf(job.name))));
  const failures = runs.flatMap((run) => (run.status === "rejected" ? [run.reason as unknown] : []));
  if (failures.length > 0) throw new AggregateError(failures, `Failed at ${schedule}.`);
}

/** Runs a job, and writes its line. */
async function runJob<Ctx extends EventContext>({ name, run }: CronJob<Ctx>, ctx: Ctx): Promise<void> {
  const startedAt = performance.now();
  const end = (outcome: string, error_code?: string) =>
    logEvent(ctx, { event: "cron", outcome, error_code, name, duration_ms: millisecondsSince(startedAt) });
  try {
    await run(ctx);
    end("ok");
  } catch (error) {
    log("error", "A scheduled job failed.", { request_id: ctx.requestId, name, error });
    end("failed", toAppError(error, {})?.code ?? "internal");
    throw error;
  }
}

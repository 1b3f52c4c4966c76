import { and, desc, eq, lt, sql } from "drizzle-orm";
import { auditRow } from "../auth/audit.ts";
import type { Ctx } from "../context.ts";
import { afterCommit, commit, assertInTransaction, assertAllInTransaction } from "../kit/db/commit.ts";
import type { Job, JobMessage } from "../kit/queue/outbox.ts";
import { paginate, type PageQueryOutput } from "../kit/http/zod-schemas.ts";
import { failedJobs, outbox } from "../kit/db/tables.ts";

const failedJobColumns = {
  id: failedJobs.id,
  name: failedJobs.name,
  payload: failedJobs.payload,
  user_id: failedJobs.user_id,
  request_id: failedJobs.request_id,
  error: failedJobs.error,
  attempts: failedJobs.attempts,
  created_at: failedJobs.created_at,
  failed_at: failedJobs.failed_at,
};

/** Lists failed jobs, newest first. One round trip. @param jobs all job types; the payloads of secret ones are hidden */
export async function listFailedJobs(
  ctx: Ctx,
  { name, limit, cursor }: PageQueryOutput & { name?: string | undefined },
  jobs: readonly Job[],
) {
  const matching = name === undefined ? undefined : eq(failedJobs.name, name);
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select(failedJobColumns)
      .from(failedJobs)
      .where(and(matching, cursor === undefined ? undefined : lt(failedJobs.id, cursor)))
      .orderBy(desc(failedJobs.id))
      .limit(limit + 1),
    ctx.db
      .select({ total: sql<number>`count(*)::int` })
      .from(failedJobs)
      .where(matching),
  ]);
  const isShown = (row: { name: string }) => jobs.some((job) => job.name === row.name && !job.isSecret);
  const { items, ...next } = paginate(rows, limit);
  return { jobs: items.map((row) => (isShown(row) ? row : { ...row, payload: null })), total: count!.total, ...next };
}

const jobExists = (id: number) => sql`exists (select from ${failedJobs} where ${eq(failedJobs.id, id)})`;

/** Enqueues a failed job again. One round trip. @throws not_found; conflict if the job type no longer exists */
export async function replayFailedJob(ctx: Ctx, id: number, jobs: readonly Job[]): Promise<void> {
  const ofJob = eq(failedJobs.id, id);
  const hasType = sql`exists (select from ${failedJobs} where ${ofJob} and ${failedJobs.name} in ${jobs.map(({ name }) => name)})`;
  const enqueued = ctx.db.execute<JobMessage>(sql`
    insert into ${outbox} (name, payload, user_id, request_id)
    select name, payload, user_id, request_id from ${failedJobs} where ${ofJob}
    returning id, name, payload, request_id`);
  await commit(ctx, [
    ctx.db.select({ id: failedJobs.id }).from(failedJobs).where(ofJob).for("update"),
    assertAllInTransaction(ctx.db, { failed_job_not_found: jobExists(id), failed_job_of_no_kind: hasType }),
    afterCommit(enqueued, ({ rows }) => Promise.all(rows.map((row) => ctx.env.JOBS.send(row)))),
    ctx.db.delete(failedJobs).where(ofJob),
    auditRow(ctx, "job.replayed", null, { failed_job_id: id }),
  ]);
}

/** Deletes a failed job. One round trip. @throws not_found */
export async function discardFailedJob(ctx: Ctx, id: number): Promise<void> {
  await commit(ctx, [
    assertInTransaction(ctx.db, jobExists(id), "failed_job_not_found"),
    ctx.db.delete(failedJobs).where(eq(failedJobs.id, id)),
    auditRow(ctx, "job.discarded", null, { failed_job_id: id }),
  ]);
}

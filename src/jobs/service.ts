import { and, desc, eq, lt, sql } from "drizzle-orm";
import { auditRow } from "../auth/audit.ts";
import type { Ctx } from "../context.ts";
import { afterCommit, commit, assertInTransaction, assertAllInTransaction } from "../kit/db/commit.ts";
import type { Job, JobMessage } from "../kit/queue/outbox.ts";
import { paginate, type PageQueryOutput } from "../kit/http/zod-schemas.ts";
import { failedJobs, outbox } from "../kit/db/tables.ts";

const shown = {
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

/** Jobs that were given up, the newest first. One round trip. @param jobs all there are: what they say is shown unless it is secret */
export async function listFailedJobs(
  ctx: Ctx,
  { name, limit, cursor }: PageQueryOutput & { name?: string | undefined },
  jobs: readonly Job[],
) {
  const matching = name === undefined ? undefined : eq(failedJobs.name, name);
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select(shown)
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

const isThere = (id: number) => sql`exists (select from ${failedJobs} where ${eq(failedJobs.id, id)})`;

/** Puts a job that was given up back among those to do. One round trip. @throws not_found; conflict for a kind of job that is no more */
export async function replayFailedJob(ctx: Ctx, id: number, jobs: readonly Job[]): Promise<void> {
  const its = eq(failedJobs.id, id);
  const known = sql`exists (select from ${failedJobs} where ${its} and ${failedJobs.name} in ${jobs.map(({ name }) => name)})`;
  const again = ctx.db.execute<JobMessage>(sql`
    insert into ${outbox} (name, payload, user_id, request_id)
    select name, payload, user_id, request_id from ${failedJobs} where ${its}
    returning id, name, payload, request_id`);
  await commit(ctx, [
    ctx.db.select({ id: failedJobs.id }).from(failedJobs).where(its).for("update"),
    assertAllInTransaction(ctx.db, { failed_job_not_found: isThere(id), failed_job_of_no_kind: known }),
    afterCommit(again, ({ rows }) => Promise.all(rows.map((row) => ctx.env.JOBS.send(row)))),
    ctx.db.delete(failedJobs).where(its),
    auditRow(ctx, "job.replayed", null, { failed_job_id: id }),
  ]);
}

/** Forgets a job that was given up. One round trip. @throws not_found */
export async function discardFailedJob(ctx: Ctx, id: number): Promise<void> {
  await commit(ctx, [
    assertInTransaction(ctx.db, isThere(id), "failed_job_not_found"),
    ctx.db.delete(failedJobs).where(eq(failedJobs.id, id)),
    auditRow(ctx, "job.discarded", null, { failed_job_id: id }),
  ]);
}

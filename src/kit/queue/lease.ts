import { and, eq, sql, type SQL } from "drizzle-orm";
import { afterCommit, type OnceGuard, type Statement } from "../db/commit.ts";
import { outbox } from "../db/tables.ts";
import { log } from "../log.ts";
import type { JobSender } from "./message.ts";
import { maxJobsPerUser, nextOfUser, sendNextOfUser, type NextRow } from "./user-limit.ts";

/** Seconds until another consumer may take a job whose holder does not renew its lease. With the sweep of each minute: under two minutes. */
export const leaseSeconds = 30;

/** Seconds between renewals. Progress renews the lease too, in its own commit. */
export const renewSeconds = 10;

const leaseEnd = sql.raw(`now() + interval '${leaseSeconds} seconds'`);

/** Runs a task repeatedly. @returns stops it */
export type Repeat = (seconds: number, task: () => void) => () => void;

/**
 * The right of one consumer to run a job, until it ends or is not renewed in time. It is the guard of the job's commits: they fail with
 * `job_done` if the job is done, or if another consumer holds it.
 */
export class Lease implements OnceGuard {
  used = false;
  /** The number of this attempt, from 1. */
  readonly attempts: number;
  /** Consecutive attempts without progress that neither ended nor failed. */
  readonly lostAttempts: number;
  readonly #ctx: JobSender;
  readonly #id: number;
  readonly #token: string;
  readonly #takenOver = new AbortController();
  #isRenewed = true;
  #isEnding = false;
  #handover: Promise<unknown> = Promise.resolve();

  constructor(ctx: JobSender, id: number, taken: { token: string; attempts: number; lost_attempts: number }) {
    this.#ctx = ctx;
    this.#id = id;
    this.#token = taken.token;
    this.attempts = taken.attempts;
    this.lostAttempts = taken.lost_attempts;
  }

  get signal(): AbortSignal {
    return this.#takenOver.signal;
  }

  /** Deletes the row of the job in the commit of its effect, and sends the next job of the user. */
  acquire(): Statement {
    return afterCommit(this.#deleteRow(), ({ rows }) => this.#sendNext(rows));
  }

  #deleteRow() {
    this.#isEnding = true;
    return this.#ctx.db.execute<NextRow>(sql`
      with ended as (delete from ${outbox} where ${this.#isHeld} returning user_id, name), ${nextOfUser}
      select ${refuseUnless("ended")}, next.* from (select) one left join next on true`);
  }

  /** Renews the lease in a commit of progress. Earlier attempts that were lost no longer count. */
  renew(): Statement {
    this.#isRenewed = true;
    return this.#ctx.db.execute(sql`
      with renewed as (update ${outbox} set due_at = ${leaseEnd}, lost_attempts = 0 where ${this.#isHeld} returning 1)
      select ${refuseUnless("renewed")}`);
  }

  /** Renews the lease again and again, unless progress does. If another consumer has the job, `signal` is aborted. @returns stops it */
  keep(repeat: Repeat): () => void {
    return repeat(renewSeconds, () => {
      if (this.#isRenewed) this.#isRenewed = false;
      else void this.#renewNow();
    });
  }

  async #renewNow(): Promise<void> {
    try {
      const { db } = this.#ctx;
      const renewed = await db.update(outbox).set({ due_at: leaseEnd }).where(this.#isHeld).returning({ id: outbox.id });
      // While the job ends, its row may be gone already.
      if (renewed.length === 0 && !this.#isEnding) this.#takenOver.abort(new Error("Another consumer runs this job."));
    } catch (error) {
      log("warn", "A lease could not be renewed.", { job: this.#id, error });
    }
  }

  /** Ends the job, if the commit of its effect has not, and waits until the next job of the user is sent. */
  async end(): Promise<void> {
    if (!this.used) void this.#sendNext((await this.#deleteRow()).rows);
    await this.#handover;
  }

  /**
   * Ends the attempt, not the job: it failed, so it did not stop its consumer. The next job of the user is sent meanwhile.
   * @param seconds when the sweep sends the job again, if nothing else does
   */
  async release(seconds: number, { keepLost = false } = {}): Promise<void> {
    this.#isEnding = true;
    const { rows } = await this.#ctx.db.execute<NextRow>(sql`
      with ended as (
        update ${outbox} set lease = null, due_at = now() + make_interval(secs => ${seconds}::int),
          lost_attempts = case when ${keepLost}::boolean then lost_attempts else 0 end
        where ${this.#isHeld} returning user_id, name), ${nextOfUser}
      select next.* from next`);
    await this.#sendNext(rows);
  }

  #sendNext(rows: readonly NextRow[]): Promise<unknown> {
    this.#handover = sendNextOfUser(this.#ctx, rows);
    return this.#handover;
  }

  get #isHeld(): SQL {
    return and(eq(outbox.id, this.#id), eq(outbox.lease, this.#token))!;
  }
}

const refuseUnless = (query: string) =>
  sql.raw(`case when exists (select from ${query}) then null else refuse('job_done') end`);

/**
 * Takes a job and records the attempt, before any work. One round trip. A job above the limit of its user waits instead.
 * @returns undefined if the job is done, another consumer holds it, or it waits
 */
export async function takeJob(ctx: JobSender, id: number): Promise<Lease | undefined> {
  const token = crypto.randomUUID();
  const running = sql`
    select count(*) from ${outbox} o where o.user_id = ${outbox.user_id} and o.name = ${outbox.name} and o.id <> ${id}
      and o.lease is not null and o.due_at >= now()`;
  // Takes of one user and type come one after the other, so that none misses a job that begins to run.
  const lock = sql`
    select pg_advisory_xact_lock(hashtextextended(name || ' of ' || user_id, 0)) from ${outbox}
    where ${outbox.id} = ${id} and user_id is not null`;
  const take = sql`
    with job as (
      select id, (${running}) < ${maxJobsPerUser} as runs from ${outbox}
      where ${outbox.id} = ${id} and (lease is null or due_at < now()) for update)
    update ${outbox} set
      attempts = attempts + runs::int, lost_attempts = lost_attempts + (lease is not null)::int,
      lease = case when runs then ${token} end, due_at = case when runs then ${leaseEnd} end
    from job where ${outbox.id} = job.id
    returning attempts, lost_attempts, runs`;
  const [, { rows }] = await ctx.db.batch([
    ctx.db.execute(lock),
    ctx.db.execute<{ attempts: number; lost_attempts: number; runs: boolean }>(take),
  ]);
  const [taken] = rows;
  return taken?.runs === true ? new Lease(ctx, id, { token, ...taken }) : undefined;
}

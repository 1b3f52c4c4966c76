import { sql, type SQL } from "drizzle-orm";
import { jobDue, outbox } from "../db/tables.ts";
import { log } from "../log.ts";
import type { JobMessage, JobSender } from "./message.ts";

/**
 * The jobs of one type that one user has in the queue at a time. The others wait in the outbox, without a due time, so many jobs of one
 * user never delay those of others: each that ends sends the oldest that waits.
 */
export const maxJobsPerUser = 2;

/** Whether a job counts for the limit: it was sent for the first time, or it runs. One that waits for a retry does not. */
export const isInFlight = (job: string): SQL =>
  sql.raw(`(${job}.due_at is not null and (${job}.lease is not null or ${job}.attempts = 0))`);

/** The due time of a new job: null if the user has the maximum of this type. A job without a user is always sent. */
export function dueTimeOfNew(userId: SQL, name: SQL): SQL {
  return sql`case when (select count(*) from ${outbox} o where o.user_id = ${userId} and o.name = ${name} and ${isInFlight("o")}) < ${maxJobsPerUser}
    then ${jobDue} end`;
}

/**
 * A query `next` for a statement with a query `ended` of `user_id` and `name`: the oldest job of the same user and type that waits, with the
 * columns of its message. It is due now.
 */
export const nextOfUser = sql`next as (
  update ${outbox} set due_at = ${jobDue} where id = (
    select o.id from ${outbox} o join ended on o.user_id = ended.user_id and o.name = ended.name
    where o.due_at is null order by o.id limit 1 for update of o skip locked)
  returning id, name, payload, request_id)`;

/** The row of `nextOfUser`, or one of nulls. */
export type NextRow = Omit<JobMessage, "id"> & { id: number | null };

/** Sends what `nextOfUser` returned. If that fails, the sweep sends it again. */
export async function sendNextOfUser(ctx: JobSender, rows: readonly NextRow[]): Promise<void> {
  try {
    for (const { id, name, payload, request_id } of rows)
      if (id !== null) await ctx.env.JOBS.send({ id, name, payload, request_id });
  } catch (error) {
    log("warn", "The next job of a user was not sent.", { error });
  }
}

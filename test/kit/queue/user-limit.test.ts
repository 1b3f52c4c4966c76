import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { commit } from "../../../src/kit/db/commit.ts";
import { AppError } from "../../../src/kit/errors.ts";
import { enqueueJobsFrom, sweepOutbox } from "../../../src/kit/queue/outbox.ts";
import { maxJobsPerUser } from "../../../src/kit/queue/user-limit.ts";
import {
  useJobs,
  postgres,
  queue,
  ctx,
  started,
  work,
  other,
  never,
  leaveMark,
  consume,
  consumeAll,
  labels,
  rows,
  endLeases,
  enqueue,
  untilStarted,
  handleWith,
} from "./support/jobs.ts";

useJobs();

describe("the jobs of one user", () => {
  test("the jobs of one user do not delay another's: of 50 and one, the one ends after the first few", async () => {
    for (let index = 0; index < 50; index += 1) await enqueue(`a${index}`, 1);
    await enqueue("b", 2);
    expect(queue.size).toBe(maxJobsPerUser + 1);
    await consumeAll(1);
    const order = await labels();
    expect(order.indexOf("b")).toBeLessThanOrEqual(maxJobsPerUser);
    expect(order).toHaveLength(51);
    expect(order.filter((label) => label !== "b")).toEqual(Array.from({ length: 50 }, (_, index) => `a${index}`));
  });

  test("jobs of another type, or of no user, do not wait", async () => {
    for (let index = 0; index < 5; index += 1) await enqueue(`a${index}`, 1);
    await enqueue("mail", 1, other);
    for (let index = 0; index < 5; index += 1) await enqueue(`system ${index}`);
    expect(queue.size).toBe(maxJobsPerUser + 1 + 5);
  });

  test("the jobs of a user run two at a time, also those that a query enqueued or that failed before", async () => {
    let running = 0;
    let most = 0;
    const failed = new Set<string>();
    handleWith(async (job, label) => {
      most = Math.max(most, ++running);
      await job.db.execute(sql`select pg_sleep(0.01)`);
      running -= 1;
      if (!failed.has(label)) {
        failed.add(label);
        throw new AppError("database_unavailable", "The database is out.");
      }
      await leaveMark(job, label);
    });
    const jobRows = sql`select jsonb_build_object('label', 'a' || n), 1 from generate_series(1, 20) n`;
    await commit(ctx, [ctx.db.execute(enqueueJobsFrom(ctx, work, jobRows))]);
    expect(await sweepOutbox(ctx)).toBe(maxJobsPerUser);
    // A job that waits while the last running ones end is sent by the sweep.
    for (let minute = 1; (await rows()).length > 0; minute += 1) {
      await queue.run(consume, { until: minute * 60, batchSize: 10 });
      await sweepOutbox(ctx);
    }
    expect(await labels()).toHaveLength(20);
    expect(most).toBeLessThanOrEqual(maxJobsPerUser);
    expect(await rows()).toEqual([]);
  });

  test("the jobs of a user continue after a consumer died, and after one was given up", async () => {
    for (let index = 0; index < 6; index += 1) await enqueue(`a${index}`, 1);
    handleWith(never);
    const before = started.length;
    queue.lose(consume);
    await untilStarted(before + 2);
    await endLeases();
    await sweepOutbox(ctx);
    handleWith(async (job, label) => {
      if (label === "a0") throw new AppError("validation_failed", "This can never be done.");
      await leaveMark(job, label);
    });
    await consumeAll();
    await consumeAll();
    expect((await labels()).map(String).toSorted()).toEqual(["a0: validation_failed", "a1", "a2", "a3", "a4", "a5"]);
    expect(await rows()).toEqual([]);
  });

  test("the sweep sends waiting jobs, the first of each user before the second of any", async () => {
    const insert = "insert into outbox (name, payload, request_id, user_id, due_at) values ('work', $1, 'r', $2, null)";
    for (const user of [1, 2, 3])
      for (let index = 0; index < 4; index += 1)
        await postgres.sql(insert, [JSON.stringify({ label: `${user}${index}` }), user]);
    expect(await sweepOutbox(ctx)).toBe(3 * maxJobsPerUser);
    expect(await sweepOutbox(ctx)).toBe(0);
    await queue.run(consume, { batchSize: 1 });
    expect((await labels()).slice(0, 6)).toEqual(["10", "20", "30", "11", "21", "31"]);
    expect(await labels()).toHaveLength(12);
  });
});

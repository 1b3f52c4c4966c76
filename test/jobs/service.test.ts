import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import type { Ctx } from "../../src/context.ts";
import { discardFailedJob, listFailedJobs, replayFailedJob } from "../../src/jobs/service.ts";
import { consumeDeadJobs, consumeJobs, handleJob, type Handler } from "../../src/kit/queue/consumer.ts";
import { commit } from "../../src/kit/db/commit.ts";
import { AppError } from "../../src/kit/errors.ts";
import { defineJob, enqueueJob } from "../../src/kit/queue/outbox.ts";
import { openConcurrentPostgres, type ConcurrentPostgres } from "../support/concurrent-postgres.ts";
import { createTestContexts, testBindings } from "../support/in-process-context.ts";
import { VirtualQueue } from "../support/virtual-queue.ts";

/** Jobs that failed for good, on a real PostgreSQL. */

const report = defineJob("report", z.object({ label: z.string() }));
const invite = defineJob("invite", z.object({ label: z.string() }), { isSecret: true });
const jobs = [report, invite];

let postgres: ConcurrentPostgres;
let queue: VirtualQueue;
let dead: VirtualQueue;
let events: ReturnType<typeof createTestContexts>;
let ctx: Ctx;
let isBroken: boolean;
let done: string[];

const run = async (_ctx: Ctx, { label }: { label: string }) => {
  if (isBroken) throw new AppError("validation_failed", "This can never be done.");
  done.push(label);
};
const handlers: readonly Handler<Ctx>[] = jobs.map((job) => handleJob(job, run));

beforeAll(async () => {
  postgres = await openConcurrentPostgres(5);
});

afterAll(() => postgres.close());

beforeEach(async () => {
  queue = new VirtualQueue("spiritforge-jobs");
  dead = new VirtualQueue("spiritforge-jobs-dead");
  events = createTestContexts(testBindings(postgres.bridge.url, { JOBS: queue, DEAD_JOBS: dead }));
  ctx = events.context("test");
  isBroken = true;
  done = [];
  await postgres.sql("truncate outbox, failed_jobs, audit_log");
});

async function consume(): Promise<void> {
  await events.settled();
  await queue.run((batch) =>
    consumeJobs<Ctx>(batch, { handlers, contextOf: (name, requestId) => events.context(name, requestId), dead }),
  );
  await dead.run((batch) => consumeDeadJobs(batch, events.context("dead")));
}

/** Has jobs fail for good. @returns their numbers in `failed_jobs`, in order */
async function fail(...failing: [job: (typeof jobs)[number], label: string][]): Promise<number[]> {
  for (const [job, label] of failing) {
    await commit(ctx, [enqueueJob(ctx, job, { label })]);
    await consume();
  }
  return (await postgres.sql("select id from failed_jobs order by id")).map(({ id }) => Number(id));
}

const audited = async () => (await postgres.sql("select action, details from audit_log order by id")) as unknown[];
const rowsOf = async (table: string) => Number((await postgres.sql(`select count(*) from ${table}`))[0]!["count"]);

describe("the list of failed jobs", () => {
  test("failed jobs are paginated, newest first, and secret payloads are hidden", async () => {
    const [first, second, third] = await fail([report, "a"], [invite, "b"], [report, "c"]);
    const page = await listFailedJobs(ctx, { limit: 2 }, jobs);
    expect(page).toMatchObject({
      total: 3,
      jobs: [
        { id: third, name: "report", payload: { label: "c" }, error: "AppError: This can never be done.", attempts: 1 },
        { id: second, name: "invite", payload: null },
      ],
    });
    const rest = await listFailedJobs(ctx, { limit: 2, cursor: second }, jobs);
    expect(rest).toMatchObject({ total: 3, jobs: [{ id: first, payload: { label: "a" } }] });
  });

  test("failed jobs can be filtered by name, and the payload of an unknown job type is hidden", async () => {
    await fail([report, "a"], [invite, "b"]);
    const { jobs: found, total } = await listFailedJobs(ctx, { limit: 10, name: "report" }, [invite]);
    expect([found.map(({ name, payload }) => [name, payload]), total]).toEqual([[["report", null]], 1]);
  });
});

describe("a failed job", () => {
  test("a retry runs the job once and deletes its failure", async () => {
    const [id] = await fail([report, "a"]);
    isBroken = false;
    await replayFailedJob(ctx, id!, jobs);
    await expect(replayFailedJob(ctx, id!, jobs)).rejects.toThrow(/failed_job_not_found/);
    await consume();
    expect(done).toEqual(["a"]);
    expect([await rowsOf("failed_jobs"), await rowsOf("outbox")]).toEqual([0, 0]);
    expect(await audited()).toEqual([{ action: "job.replayed", details: { failed_job_id: id } }]);
  });

  test("a retry that fails again records a new failure", async () => {
    const [id] = await fail([report, "a"]);
    await replayFailedJob(ctx, id!, jobs);
    await consume();
    expect(done).toEqual([]);
    expect([await rowsOf("failed_jobs"), await rowsOf("outbox")]).toEqual([1, 0]);
  });

  test("a job of an unknown type cannot be retried and stays", async () => {
    const [id] = await fail([report, "a"]);
    await expect(replayFailedJob(ctx, id!, [invite])).rejects.toThrow(/failed_job_of_no_kind/);
    expect([await rowsOf("failed_jobs"), await rowsOf("outbox"), await audited()]).toEqual([1, 0, []]);
  });

  test("a failed job can be discarded once", async () => {
    const [first, second] = await fail([report, "a"], [report, "b"]);
    await discardFailedJob(ctx, first!);
    await expect(discardFailedJob(ctx, first!)).rejects.toThrow(/failed_job_not_found/);
    expect((await listFailedJobs(ctx, { limit: 10 }, jobs)).jobs.map(({ id }) => id)).toEqual([second]);
    expect(await audited()).toEqual([{ action: "job.discarded", details: { failed_job_id: first } }]);
  });
});

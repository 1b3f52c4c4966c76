import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import type { Ctx } from "../../src/context.ts";
import { discardFailedJob, listFailedJobs, replayFailedJob } from "../../src/jobs/service.ts";
import { defineJob, type Job } from "../../src/kit/queue/outbox.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../support/api.ts";
import { openEvents, testBindings } from "../support/in-process-context.ts";
import { VirtualQueue } from "../support/virtual-queue.ts";

const mark = defineJob("mark", z.object({ label: z.string() }));
const invite = defineJob("invite", z.object({ label: z.string() }), { isSecret: true });
const jobs: readonly Job[] = [mark, invite];

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let queue: VirtualQueue;
let events: ReturnType<typeof openEvents>;
let ctx: Ctx;

beforeAll(async () => {
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
});

beforeEach(async () => {
  queue = new VirtualQueue("spiritforge-jobs");
  events = openEvents(testBindings(bridge.url, { JOBS: queue }));
  ctx = events.context("test");
  await database.sql("delete from failed_jobs");
  await database.sql("delete from outbox");
});

afterAll(async () => {
  await bridge.stopPostgres();
  await database.close();
});

let failures = 0;

/** Stores a job that has failed for good. @returns its number */
async function fail(label: string, { name }: Pick<Job, "name"> = mark): Promise<number> {
  const [row] = await database.sql(
    `insert into failed_jobs (reference, name, payload, request_id, error, attempts, created_at)
     values ($1, $2, $3, 'request-1', 'AppError: It failed.', 3, now()) returning id`,
    [`test:${++failures}`, name, JSON.stringify({ label })],
  );
  return Number(row!["id"]);
}

const auditOf = async (id: number) =>
  (await database.sql("select action from audit_log where details ->> 'failed_job_id' = $1", [String(id)])).map(
    ({ action }) => action,
  );

describe("the list of failed jobs", () => {
  test("comes page by page, the newest first, with how many there are, in one round trip a page", async () => {
    const [first, second, third] = [await fail("one"), await fail("two"), await fail("three")];
    const before = bridge.roundTrips();
    const page = await listFailedJobs(ctx, { limit: 2 }, jobs);
    expect(bridge.roundTrips()).toBe(before + 1);
    expect(page).toMatchObject({
      total: 3,
      jobs: [
        { id: third, payload: { label: "three" } },
        { id: second, attempts: 3 },
      ],
    });
    const rest = await listFailedJobs(ctx, { limit: 2, cursor: Number(page.next_cursor) }, jobs);
    expect(rest.jobs.map(({ id }) => id)).toEqual([first]);
    expect(rest).not.toHaveProperty("next_cursor");
  });

  test("can be had of one name", async () => {
    await fail("one");
    const id = await fail("two", invite);
    const page = await listFailedJobs(ctx, { limit: 10, name: "invite" }, jobs);
    expect([page.total, page.jobs.map((job) => job.id)]).toEqual([1, [id]]);
  });

  test("hides what secret jobs carry, and jobs that are not defined any more", async () => {
    await fail("open");
    await fail("secret", invite);
    await fail("unknown", { name: "retired" });
    const page = await listFailedJobs(ctx, { limit: 10 }, jobs);
    expect(page.jobs.map(({ name, payload }) => [name, payload])).toEqual([
      ["retired", null],
      ["invite", null],
      ["mark", { label: "open" }],
    ]);
  });
});

describe("a failed job", () => {
  test("that is replayed is stored and sent again, and audited", async () => {
    const id = await fail("one");
    await replayFailedJob(ctx, id, jobs);
    await events.settled();
    expect(await database.sql("select id from failed_jobs")).toEqual([]);
    expect(await database.sql("select name, payload, request_id from outbox")).toEqual([
      { name: "mark", payload: { label: "one" }, request_id: "request-1" },
    ]);
    expect(queue.size).toBe(1);
    expect(await auditOf(id)).toEqual(["job.replayed"]);
  });

  test("of an unknown name is not replayed, and stays", async () => {
    const id = await fail("one", { name: "retired" });
    await expect(replayFailedJob(ctx, id, jobs)).rejects.toThrow(/failed_job_of_no_kind/);
    await events.settled();
    expect(await database.sql("select id from failed_jobs")).toEqual([{ id }]);
    expect([queue.size, await auditOf(id)]).toEqual([0, []]);
  });

  test("that is discarded is gone and not sent, and audited", async () => {
    const id = await fail("one");
    await discardFailedJob(ctx, id);
    await events.settled();
    expect(await database.sql("select id from failed_jobs")).toEqual([]);
    expect([queue.size, await auditOf(id)]).toEqual([0, ["job.discarded"]]);
  });

  test("that does not exist is neither replayed nor discarded", async () => {
    await expect(replayFailedJob(ctx, 2_000_000_000, jobs)).rejects.toThrow(/failed_job_not_found/);
    await expect(discardFailedJob(ctx, 2_000_000_000)).rejects.toThrow(/failed_job_not_found/);
  });
});

import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import type { Ctx } from "../../../src/context.ts";
import { commitProgress } from "../../../src/kit/db/commit.ts";
import { AppError } from "../../../src/kit/errors.ts";
import { consumeJobs } from "../../../src/kit/queue/consumer.ts";
import { consumeDeadJobs } from "../../../src/kit/queue/dead-letters.ts";
import { leaseSeconds } from "../../../src/kit/queue/lease.ts";
import { sweepOutbox } from "../../../src/kit/queue/outbox.ts";
import { VirtualQueue } from "../../support/virtual-queue.ts";
import {
  useJobs,
  postgres,
  queue,
  events,
  ctx,
  started,
  ticks,
  never,
  leaveMark,
  consume,
  consumeAll,
  labels,
  rows,
  endLeases,
  enqueue,
  untilStarted,
  killConsumer,
  handleWith,
  dead,
  marks,
  handlers,
} from "./support/jobs.ts";

useJobs();

describe("an attempt", () => {
  test("an attempt is recorded, with its lease, before the work begins", async () => {
    await enqueue("one");
    let seen: unknown;
    handleWith(async () => (seen = await rows()));
    await consumeAll();
    expect(seen).toEqual([{ attempts: 1, lost_attempts: 0, leased: true }]);
  });

  test("an attempt costs one round trip besides the commit of its effect", async () => {
    await enqueue("one");
    const before = postgres.bridge.roundTrips();
    await consumeAll();
    expect(postgres.bridge.roundTrips() - before).toBe(2);
    expect(await labels()).toEqual(["one"]);
  });

  test("a failed attempt ends its lease, and is not counted as a lost consumer", async () => {
    await enqueue("one");
    handleWith(() => Promise.reject(new AppError("database_unavailable", "The database is out.")));
    await consumeAll();
    expect(await rows()).toEqual([{ attempts: 1, lost_attempts: 0, leased: false }]);
    handleWith(leaveMark);
    await queue.run(consume, { until: 2 });
    expect([await labels(), await rows()]).toEqual([["one"], []]);
  });

  test("a message that is delivered twice at once runs once", async () => {
    await enqueue("one");
    queue.duplicateAndShuffle(Math.random);
    await consumeAll();
    expect([started, await labels()]).toEqual([["one"], ["one"]]);
    expect(queue.deliveries.map(({ outcome }) => outcome)).toEqual(["ack", "ack"]);
  });

  test("one of sixteen concurrent consumers runs a job", async () => {
    await enqueue("one");
    for (let copies = 1; copies < 16; copies *= 2) queue.duplicateAndShuffle(Math.random);
    await consumeAll(16);
    expect([started, await labels()]).toEqual([["one"], ["one"]]);
  });
});

describe("a job that stops its consumer", () => {
  test("a job that stopped its consumer runs again after its lease", async () => {
    await enqueue("one");
    handleWith(never);
    await killConsumer();
    handleWith(leaveMark);
    await consumeAll();
    expect([await labels(), await rows()]).toEqual([["one"], []]);
    expect(leaseSeconds + 60).toBeLessThan(120);
  });

  test("a job that stopped its consumer twice is given up with its reason, and does not run again", async () => {
    await enqueue("bad");
    handleWith(never);
    await killConsumer();
    await killConsumer();
    await consumeAll();
    expect(started).toEqual(["bad", "bad"]);
    expect(await postgres.sql("select name, code, error, attempts from failed_jobs")).toEqual([
      {
        name: "work",
        code: "consumer_lost",
        error: expect.stringMatching(/^The job stopped its consumer 2 times in a row, without an error: the limit is 2\./),
        attempts: 2,
      },
    ]);
    expect([await labels(), await rows()]).toEqual([["bad: consumer_lost"], []]);
    // A second delivery of the dead letter changes nothing.
    await dead.send({ id: 1, name: "work", payload: { label: "bad" }, request_id: "r" });
    await consumeAll();
    expect(await labels()).toEqual(["bad: consumer_lost"]);
  });

  test("a job that made progress is not given up, but has at most twelve attempts", async () => {
    await enqueue("slow");
    handleWith(async (job) => {
      await commitProgress(job, [job.db.execute(sql`select 1`)]);
      started.push("progress");
      return never();
    });
    for (let kill = 1; kill <= 12; kill += 1) {
      queue.lose(consume);
      await untilStarted(2 * kill);
      await endLeases();
      await sweepOutbox(ctx);
    }
    expect(await postgres.sql("select attempts, lost_attempts from outbox")).toEqual([{ attempts: 12, lost_attempts: 1 }]);
    await consumeAll();
    expect(await labels()).toEqual(["slow: attempts_exhausted"]);
    expect(await postgres.sql("select attempts from failed_jobs")).toEqual([{ attempts: 12 }]);
  });
});

describe("a lease", () => {
  test("a renewed lease is not taken by another consumer, however long the work lasts", async () => {
    await enqueue("slow");
    const goOn = Promise.withResolvers<void>();
    handleWith((job, label) => goOn.promise.then(() => leaveMark(job, label)));
    const first = queue.run(consume);
    await untilStarted(1);
    for (let round = 0; round < 3; round += 1) {
      await postgres.sql("update outbox set due_at = now() + interval '1 second'");
      // The first renewal after progress is left out.
      for (let tick = 0; tick < 2; tick += 1) for (const renew of ticks) renew();
      const left = "select 1 from outbox where due_at > now() + interval '20 seconds'";
      while ((await postgres.sql(left)).length === 0) await setImmediate();
    }
    expect(await sweepOutbox(ctx)).toBe(0);
    const second = new VirtualQueue("again");
    await second.send({
      id: Number((await postgres.sql("select id from outbox"))[0]!["id"]),
      name: "work",
      payload: { label: "slow" },
      request_id: "r",
    });
    await second.run(consume);
    expect(second.deliveries.map(({ outcome }) => outcome)).toEqual(["ack"]);
    goOn.resolve();
    await first;
    expect([started, await labels(), ticks.size]).toEqual([["slow"], ["slow"], 0]);
  });

  test("a lost lease stops its holder: its effects and queries fail, and those of the new holder succeed", async () => {
    await enqueue("one");
    const goOn = Promise.withResolvers<void>();
    const failures: string[] = [];
    handleWith(async (job, label) => {
      await goOn.promise;
      await commitProgress(job, [job.db.insert(marks).values({ label: "late progress" })]).catch(() =>
        failures.push("progress"),
      );
      for (const renew of [...ticks, ...ticks]) renew();
      const { signal } = job.guard!;
      if (!signal!.aborted) await new Promise((resolve) => signal!.addEventListener("abort", resolve));
      await job.db
        .select()
        .from(marks)
        .catch(() => failures.push("query"));
      await leaveMark(job, "late").catch(() => failures.push("effect"));
      throw new Error(label);
    });
    const first = queue.run(consume);
    await untilStarted(1);
    await endLeases();
    await sweepOutbox(ctx);
    const takeover = new VirtualQueue("takeover");
    await takeover.send({
      id: Number((await postgres.sql("select id from outbox"))[0]!["id"]),
      name: "work",
      payload: { label: "one" },
      request_id: "r",
    });
    handleWith(leaveMark);
    await takeover.run((batch) =>
      consumeJobs<Ctx>(batch, { handlers, contextOf: (name, id) => events.context(name, id), dead }),
    );
    goOn.resolve();
    await first;
    expect(await labels()).toEqual(["one"]);
    expect(failures).toEqual(["progress", "query", "effect"]);
    expect([queue.deliveries.at(-1)!.outcome, dead.size]).toEqual(["ack", 0]);
    expect(await postgres.sql("select * from failed_jobs")).toEqual([]);
  });

  test("a dead letter does not end a job while its lease is held", async () => {
    await enqueue("one");
    const goOn = Promise.withResolvers<void>();
    handleWith((job, label) => goOn.promise.then(() => leaveMark(job, label)));
    const first = queue.run(consume);
    await untilStarted(1);
    const [{ id }] = (await postgres.sql("select id from outbox")) as [{ id: number }];
    await dead.send({ id, name: "work", payload: { label: "one" }, request_id: "r" });
    await dead.run((batch) => consumeDeadJobs(batch, events.context("dead"), handlers));
    expect(dead.deliveries.map(({ outcome }) => outcome)).toEqual(["retry"]);
    goOn.resolve();
    await first;
    await dead.run((batch) => consumeDeadJobs(batch, events.context("dead"), handlers), { until: 60 });
    expect([await labels(), await postgres.sql("select * from failed_jobs")]).toEqual([["one"], []]);
  });
});

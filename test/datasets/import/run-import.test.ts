import { describe, expect, test } from "vitest";
import { datasetJobs } from "../../../src/datasets/jobs.ts";
import { deleteDataset, uploadDataset } from "../../../src/datasets/service.ts";
import { constraintOf } from "../../../src/kit/db/errors.ts";
import { replayFailedJob } from "../../../src/jobs/service.ts";
import { listRows } from "../../../src/datasets/rows/service.ts";
import { seededRandom } from "../../support/random.ts";
import { useServiceHarness } from "../../support/service-harness.ts";
import { datasetRow, rowsOf } from "../support/imports.ts";

/** Imports whose consumer dies, comes twice, or finds its store away. */

const harness = useServiceHarness({ handlers: datasetJobs });

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({ text: `Row ${i} says ${(i * 7919).toString(36)} of ${i % 13}.` }),
  ).join("\n");

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function upload(text: string): Promise<number> {
  const { row } = await uploadDataset(harness.ctx, harness.userId, bytesOf(text), { fileName: "rows.jsonl" });
  return row.id;
}

const rowsPut = () => harness.bucket.puts.filter((key) => key.includes("/rows/"));

describe("an import", () => {
  test("an import whose consumer dies shows nothing, continues, and stores no part again", async () => {
    const id = await upload(lines(1_800));
    let parts = 0;
    harness.bucket.before = (verb, key) => {
      if (verb === "put" && key.includes("/rows/") && ++parts === 3) throw new Error("The consumer died.");
    };
    await harness.deliver();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "processing", processed_items: 1_000, parts: [] });
    await expect(listRows(harness.ctx, harness.userId, id, { limit: 1, kept: false })).rejects.toThrow(
      "This dataset is still being processed. Try again later.",
    );
    harness.bucket.before = () => undefined;
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "ready",
      sample_count: 1_800,
      processed_items: 1_800,
    });
    expect((await rowsOf(harness, id)).map(({ index }) => index)).toEqual(Array.from({ length: 1_800 }, (_, i) => i));
    expect(new Set(rowsPut()).size).toBe(rowsPut().length);
  });

  test("an import that is delivered twice concurrently runs once", async () => {
    const id = await upload(lines(1_200));
    await harness.events.settled();
    harness.queue.duplicateAndShuffle(seededRandom(8));
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 1_200 });
    const news = await harness.database.sql("select id from notifications where user_id = $1 and kind = 'dataset_ready'", [
      harness.userId,
    ]);
    expect(news).toHaveLength(1);
  });

  test("an import waits while R2 is down and loses nothing", async () => {
    const id = await upload(lines(10));
    await harness.events.settled();
    harness.bucket.before = () => {
      throw new Error("R2 is away.");
    };
    await harness.deliver(60);
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "pending", error: null });
    harness.bucket.before = () => undefined;
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 10 });
  });

  test("an import fails when its job is dead-lettered", async () => {
    const id = await upload(lines(10));
    harness.bucket.before = () => {
      throw new Error("R2 is away.");
    };
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "failed",
      error: expect.stringContaining("failed after the last retry"),
    });
    const told = await harness.one("select kind, body from notifications where user_id = $1", [harness.userId]);
    expect(told).toEqual({ kind: "dataset_failed", body: "The import failed after the last retry." });
  });

  test("an import that stopped its consumer twice is given up with its reason, and can be replayed", async () => {
    const id = await upload(lines(10));
    await harness.stopConsumer();
    await harness.stopConsumer();
    await harness.work();
    const why = expect.stringContaining("was stopped twice before it ended");
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "failed", error: why });
    expect(await harness.one("select body from notifications where user_id = $1", [harness.userId])).toEqual({ body: why });
    const failed = await harness.one("select id, code, error, attempts from failed_jobs where user_id = $1", [harness.userId]);
    expect(failed).toMatchObject({ code: "consumer_lost", error: expect.stringContaining("2 times in a row"), attempts: 2 });
    expect(harness.bucket.puts.filter((key) => key.includes("/rows/"))).toEqual([]);

    await replayFailedJob(harness.ctx, Number(failed["id"]), datasetJobs);
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "pending", error: null });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 10 });
  });

  test("an import that is stopped three times with progress between goes on", async () => {
    const id = await upload(lines(1_800));
    for (const part of [1, 2, 3]) {
      const stopped = Promise.withResolvers<void>();
      let puts = 0;
      harness.bucket.before = (verb, key) => {
        if (verb !== "put" || !key.includes("/rows/") || ++puts < 2) return undefined;
        stopped.resolve();
        return new Promise(() => undefined);
      };
      await harness.stopConsumer(stopped.promise);
      expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "processing", processed_items: part * 500 });
    }
    harness.bucket.before = () => undefined;
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 1_800 });
    expect(await harness.database.sql("select * from failed_jobs where user_id = $1", [harness.userId])).toEqual([]);
  });

  test("whose lease is lost in the middle stops, and the other consumer has its effect once", async () => {
    const id = await upload(lines(1_800));
    const slow = Promise.withResolvers<void>();
    const waits = Promise.withResolvers<void>();
    let puts = 0;
    harness.bucket.before = async (verb, key) => {
      if (verb !== "put" || !key.includes("/rows/") || ++puts !== 2) return;
      waits.resolve();
      await slow.promise;
    };
    await harness.events.settled();
    const first = harness.deliver();
    await waits.promise;
    await harness.loseLeases();
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 1_800 });
    slow.resolve();
    await first;
    const news = await harness.database.sql("select id from notifications where user_id = $1", [harness.userId]);
    expect(news).toHaveLength(1);
    expect(await harness.database.sql("select * from failed_jobs where user_id = $1", [harness.userId])).toEqual([]);
  });

  test("a dataset cannot be deleted while it is imported", async () => {
    const id = await upload(lines(1_800));
    const refusals: unknown[] = [];
    const remove = () => deleteDataset(harness.events.context("test"), harness.userId, id);
    harness.bucket.before = async (verb, key) => {
      if (verb !== "put" || !key.endsWith("000001.jsonl")) return;
      harness.bucket.before = () => undefined;
      refusals.push(await remove().then(() => "deleted", constraintOf));
    };
    await harness.work();
    expect(refusals).toEqual(["dataset_importing"]);
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready" });
    await remove();
    await harness.events.settled();
    await harness.work();
    expect(harness.bucket.objects.size).toBe(0);
  });

  test("an import of a dataset whose owner deletes the account leaves no file", async () => {
    const id = await upload(lines(1_800));
    harness.bucket.before = async (verb, key) => {
      if (verb !== "put" || !key.endsWith("000001.jsonl")) return;
      harness.bucket.before = () => undefined;
      await harness.database.sql("delete from datasets where id = $1", [id]);
    };
    await harness.work();
    expect([harness.bucket.objects.size, await harness.database.sql("select id from datasets where id = $1", [id])]).toEqual([
      0,
      [],
    ]);
  });

  test("an import of a file without rows fails with a reason", async () => {
    const { row } = await uploadDataset(harness.ctx, harness.userId, bytesOf(`[${" ".repeat(harness.userId)}]`), {
      fileName: "rows.json",
    });
    await harness.work();
    expect(await datasetRow(harness, row.id)).toMatchObject({
      processing_status: "failed",
      error: "The file contains no rows.",
    });
  });
});

test("an upload while R2 is down is 503 and enqueues nothing", async () => {
  harness.bucket.before = () => {
    throw new Error("R2 is away.");
  };
  await expect(upload(lines(3))).rejects.toMatchObject({ code: "files_unavailable", status: 503 });
  expect(await harness.database.sql("select id from datasets where user_id = $1", [harness.userId])).toEqual([]);
  expect(harness.queue.size).toBe(0);
});

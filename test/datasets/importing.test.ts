import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Ctx } from "../../src/context.ts";
import { failLostImports } from "../../src/datasets/importing.ts";
import { datasetJobs } from "../../src/datasets/jobs.ts";
import { deleteDataset, listRows, uploadDataset } from "../../src/datasets/service.ts";
import { consumeDeadJobs, consumeJobs } from "../../src/kit/consumer.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../support/api.ts";
import { openEvents, testBindings } from "../support/events.ts";
import { MemoryBucket } from "../support/memory-bucket.ts";
import { makePerson } from "../support/people.ts";
import { seededRandom } from "../support/random.ts";
import { VirtualQueue } from "../support/virtual-queue.ts";

/** Imports whose consumer dies, comes twice, or finds its store away. */

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let events: ReturnType<typeof openEvents>;
let bucket: MemoryBucket;
let queue: VirtualQueue;
let dead: VirtualQueue;
let ctx: Ctx;
let userId: number;

beforeAll(async () => {
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
});

afterAll(async () => {
  await bridge.stopPostgres();
  await database.close();
});

beforeEach(async () => {
  bucket = new MemoryBucket();
  queue = new VirtualQueue("spiritforge-jobs");
  dead = new VirtualQueue("spiritforge-jobs-dead");
  const USER_HUB = { getByName: () => ({ tell: async () => undefined }) };
  events = openEvents(testBindings(bridge.url, { FILES: bucket, JOBS: queue, DEAD_JOBS: dead, USER_HUB }));
  ctx = events.context("test");
  userId = (await makePerson({ database })).id;
});

const consume = (batch: MessageBatch) =>
  consumeJobs<Ctx>(batch, { handlers: datasetJobs, contextOf: (name, id) => events.context(name, id), dead });

/** Lets the jobs run that are due, or will be in the next hours. */
async function work(hours = 4): Promise<void> {
  await events.settled();
  for (let round = 0; round < 20 && queue.size > 0; round += 1) {
    await queue.run(consume, { until: queue.now + hours * 3_600 });
    await events.settled();
  }
  await dead.run((batch) => consumeDeadJobs(batch, events.context("dead")));
}

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({ text: `Row ${i} says ${(i * 7919).toString(36)} of ${i % 13}.` }),
  ).join("\n");

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function upload(text: string): Promise<number> {
  const { row } = await uploadDataset(ctx, userId, bytesOf(text), { fileName: "rows.jsonl" });
  return row.id;
}

async function stateOf(id: number) {
  const [row] = await database.sql(
    "select processing_status, processed_items, sample_count, parts, error from datasets where id = $1",
    [id],
  );
  return row!;
}

async function allRows(id: number) {
  const rows = [];
  let cursor: number | undefined;
  do {
    const page = await listRows(ctx, userId, id, { limit: 100, cursor, kept: false });
    rows.push(...page.items);
    cursor = page.next_cursor === undefined ? undefined : Number(page.next_cursor);
  } while (cursor !== undefined);
  return rows;
}

const rowsPut = () => bucket.puts.filter((key) => key.includes("/rows/"));

describe("an import", () => {
  test("whose consumer dies in the middle shows nothing, goes on, and stores no part again", async () => {
    const id = await upload(lines(1_800));
    let parts = 0;
    bucket.before = (verb, key) => {
      if (verb === "put" && key.includes("/rows/") && ++parts === 3) throw new Error("The consumer died.");
    };
    await events.settled();
    await queue.run(consume, { until: queue.now });
    expect(await stateOf(id)).toMatchObject({ processing_status: "processing", processed_items: 1_000, parts: [] });
    await expect(listRows(ctx, userId, id, { limit: 1, kept: false })).rejects.toThrow("It is not read yet.");
    bucket.before = () => undefined;
    await work();
    expect(await stateOf(id)).toMatchObject({ processing_status: "ready", sample_count: 1_800, processed_items: 1_800 });
    expect((await allRows(id)).map(({ index }) => index)).toEqual(Array.from({ length: 1_800 }, (_, i) => i));
    expect(new Set(rowsPut()).size).toBe(rowsPut().length);
  });

  test("that comes twice at once is done once", async () => {
    const id = await upload(lines(1_200));
    await events.settled();
    queue.duplicateAndShuffle(seededRandom(8));
    await work();
    expect(await stateOf(id)).toMatchObject({ processing_status: "ready", sample_count: 1_200 });
    const news = await database.sql("select id from notifications where user_id = $1 and kind = 'dataset_ready'", [userId]);
    expect(news).toHaveLength(1);
  });

  test("waits for a store that is away, and loses nothing", async () => {
    const id = await upload(lines(10));
    await events.settled();
    bucket.before = () => {
      throw new Error("R2 is away.");
    };
    await queue.run(consume, { until: queue.now + 60 });
    expect(await stateOf(id)).toMatchObject({ processing_status: "pending", error: null });
    bucket.before = () => undefined;
    await work();
    expect(await stateOf(id)).toMatchObject({ processing_status: "ready", sample_count: 10 });
  });

  test("has failed once its job was given up", async () => {
    const id = await upload(lines(10));
    bucket.before = () => {
      throw new Error("R2 is away.");
    };
    await work();
    expect(await failLostImports(ctx)).toBe(1);
    expect(await stateOf(id)).toMatchObject({ processing_status: "failed", error: expect.stringContaining("tried") });
    expect(await failLostImports(ctx)).toBe(0);
  });

  test("of a dataset that is deleted meanwhile leaves no file", async () => {
    const id = await upload(lines(1_800));
    bucket.before = async (verb, key) => {
      if (verb !== "put" || !key.endsWith("000001.jsonl")) return;
      bucket.before = () => undefined;
      await deleteDataset(events.context("test"), userId, id);
      await events.settled();
    };
    await work();
    expect([bucket.objects.size, await database.sql("select id from datasets where id = $1", [id])]).toEqual([0, []]);
  });

  test("of a file without a row has failed, with why", async () => {
    const { row } = await uploadDataset(ctx, userId, bytesOf(`[${" ".repeat(userId)}]`), { fileName: "rows.json" });
    await work();
    expect(await stateOf(row.id)).toMatchObject({ processing_status: "failed", error: "There is not one row in it." });
  });
});

test("an upload is 503 while the store is away, and nothing is asked for", async () => {
  bucket.before = () => {
    throw new Error("R2 is away.");
  };
  await expect(upload(lines(3))).rejects.toMatchObject({ code: "files_unavailable", status: 503 });
  expect(await database.sql("select id from datasets where user_id = $1", [userId])).toEqual([]);
  expect(queue.size).toBe(0);
});

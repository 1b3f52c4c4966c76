import { describe, expect, test } from "vitest";
import { failLostImports } from "../../../src/datasets/import/run-import.ts";
import { deleteDataset, listRows, uploadDataset } from "../../../src/datasets/service.ts";
import { seededRandom } from "../../support/random.ts";
import { useYard } from "../support/import-harness.ts";

/** Imports whose consumer dies, comes twice, or finds its store away. */

const yard = useYard();

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({ text: `Row ${i} says ${(i * 7919).toString(36)} of ${i % 13}.` }),
  ).join("\n");

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function upload(text: string): Promise<number> {
  const { row } = await uploadDataset(yard.ctx, yard.userId, bytesOf(text), { fileName: "rows.jsonl" });
  return row.id;
}

const rowsPut = () => yard.bucket.puts.filter((key) => key.includes("/rows/"));

describe("an import", () => {
  test("whose consumer dies in the middle shows nothing, goes on, and stores no part again", async () => {
    const id = await upload(lines(1_800));
    let parts = 0;
    yard.bucket.before = (verb, key) => {
      if (verb === "put" && key.includes("/rows/") && ++parts === 3) throw new Error("The consumer died.");
    };
    await yard.deliver();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "processing", processed_items: 1_000, parts: [] });
    await expect(listRows(yard.ctx, yard.userId, id, { limit: 1, kept: false })).rejects.toThrow("It is not read yet.");
    yard.bucket.before = () => undefined;
    await yard.work();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "ready", sample_count: 1_800, processed_items: 1_800 });
    expect((await yard.rowsOf(id)).map(({ index }) => index)).toEqual(Array.from({ length: 1_800 }, (_, i) => i));
    expect(new Set(rowsPut()).size).toBe(rowsPut().length);
  });

  test("that comes twice at once is done once", async () => {
    const id = await upload(lines(1_200));
    await yard.events.settled();
    yard.queue.duplicateAndShuffle(seededRandom(8));
    await yard.work();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "ready", sample_count: 1_200 });
    const news = await yard.database.sql("select id from notifications where user_id = $1 and kind = 'dataset_ready'", [
      yard.userId,
    ]);
    expect(news).toHaveLength(1);
  });

  test("waits for a store that is away, and loses nothing", async () => {
    const id = await upload(lines(10));
    await yard.events.settled();
    yard.bucket.before = () => {
      throw new Error("R2 is away.");
    };
    await yard.deliver(60);
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "pending", error: null });
    yard.bucket.before = () => undefined;
    await yard.work();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "ready", sample_count: 10 });
  });

  test("has failed once its job was given up", async () => {
    const id = await upload(lines(10));
    yard.bucket.before = () => {
      throw new Error("R2 is away.");
    };
    await yard.work();
    expect(await failLostImports(yard.ctx)).toBe(1);
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "failed", error: expect.stringContaining("tried") });
    expect(await failLostImports(yard.ctx)).toBe(0);
  });

  test("of a dataset that is deleted meanwhile leaves no file", async () => {
    const id = await upload(lines(1_800));
    yard.bucket.before = async (verb, key) => {
      if (verb !== "put" || !key.endsWith("000001.jsonl")) return;
      yard.bucket.before = () => undefined;
      await deleteDataset(yard.events.context("test"), yard.userId, id);
      await yard.events.settled();
    };
    await yard.work();
    expect([yard.bucket.objects.size, await yard.database.sql("select id from datasets where id = $1", [id])]).toEqual([0, []]);
  });

  test("of a file without a row has failed, with why", async () => {
    const { row } = await uploadDataset(yard.ctx, yard.userId, bytesOf(`[${" ".repeat(yard.userId)}]`), {
      fileName: "rows.json",
    });
    await yard.work();
    expect(await yard.stateOf(row.id)).toMatchObject({ processing_status: "failed", error: "There is not one row in it." });
  });
});

test("an upload is 503 while the store is away, and nothing is asked for", async () => {
  yard.bucket.before = () => {
    throw new Error("R2 is away.");
  };
  await expect(upload(lines(3))).rejects.toMatchObject({ code: "files_unavailable", status: 503 });
  expect(await yard.database.sql("select id from datasets where user_id = $1", [yard.userId])).toEqual([]);
  expect(yard.queue.size).toBe(0);
});

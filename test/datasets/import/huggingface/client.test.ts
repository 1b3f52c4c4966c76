import { beforeEach, describe, expect, test } from "vitest";
import { fetchPages } from "../../../../src/datasets/import/huggingface/fetch-pages.ts";
import { failStaleImports } from "../../../../src/datasets/import/run-import.ts";
import { seededRandom } from "../../../support/random.ts";
import { questions, useHuggingFace } from "../../support/huggingface.ts";
import { datasetRow, rowsOf } from "../../support/imports.ts";

const hf = useHuggingFace();
const { harness, load, pagesAsked } = hf;

describe("an import from Hugging Face", () => {
  test("the pages of the requested split are read up to the limit", async () => {
    const id = await load({ limit: 220 });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "ready",
      format: "jsonl",
      sample_count: 220,
      source: "https://huggingface.co/datasets/owner/quiz",
      hub: { config: "plain", split: "train", next_offset: null },
    });
    expect(pagesAsked()).toEqual([
      [0, 100],
      [100, 100],
      [200, 20],
    ]);
    const rows = await rowsOf(harness, id);
    expect(rows[219]).toMatchObject({ index: 219, kind: "question", source: "owner/quiz#220", fields: questions(220)[219] });
  });

  test.each([
    [{}, 250],
    [{ split: "test" }, 3],
    [{ config: "other" }, 5],
  ])("an import with %j has %i rows", async (given, count) => {
    const id = await load(given);
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: count });
  });

  test("an import whose consumer died continues with the missing page", async () => {
    const id = await load({});
    harness.bucket.before = (verb, key) => {
      if (verb === "put" && key.includes("page-000000200")) throw new Error("The consumer died.");
    };
    await harness.deliver();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "processing",
      hub: { next_offset: 200 },
      parts: [],
    });
    harness.bucket.before = () => undefined;
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 250 });
    expect(pagesAsked().map(([offset]) => offset)).toEqual([0, 100, 200, 200]);
    expect((await rowsOf(harness, id)).map(({ index }) => index)).toEqual(Array.from({ length: 250 }, (_, i) => i));
  });

  test("an import that is delivered twice concurrently completes once", async () => {
    const id = await load({});
    await harness.events.settled();
    harness.queue.duplicateAndShuffle(seededRandom(3));
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 250 });
    expect((await rowsOf(harness, id)).map(({ index }) => index)).toEqual(Array.from({ length: 250 }, (_, i) => i));
    expect(harness.dead.size).toBe(0);
  });

  test("an import that runs out of time enqueues its continuation", async () => {
    const id = await load({});
    const [dataset] = await harness.database.sql("select * from datasets where id = $1", [id]);
    expect(await fetchPages(harness.ctx, dataset as Parameters<typeof fetchPages>[1], 0)).toBe("more");
  });

  test("an import waits while the server prepares the dataset, limits requests or is down", async () => {
    const id = await load({});
    hf.hub.failures.push(
      { status: 500, code: "ResponseNotReady", error: "The server is busier than usual and the response is not ready yet." },
      { status: 429, error: "Too many requests", headers: { "retry-after": "5" } },
      { status: 502, error: "Bad gateway" },
    );
    await harness.deliver();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "pending", error: null });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 250 });
  });

  test.each([
    [{ "retry-after": "120" }, 120],
    [{ ratelimit: '"api";r=0;t=55' }, 55],
    [{}, 2],
  ])("an import with %j as Retry-After is retried after %i seconds", async (headers, delaySeconds) => {
    await load({});
    hf.hub.failures.push({ status: 429, error: "Too many requests", headers });
    await harness.deliver();
    expect(harness.queue.deliveries).toMatchObject([{ outcome: "retry", delaySeconds }]);
  });

  test("an import reports its last error after its last attempt", async () => {
    const id = await load({});
    const failure = { status: 500, code: "UnexpectedError", error: "Unexpected error." };
    hf.hub.failures.push({ status: 502, error: "Bad gateway" }, ...Array.from({ length: 20 }, () => failure));
    await harness.work();
    expect(await failStaleImports(harness.ctx)).toBe(1);
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "failed",
      error:
        "The import failed after the last retry. Last error: Hugging Face is unavailable (500 UnexpectedError): Unexpected error.",
    });
  });

  test.each([
    [{ dataset_id: "owner/secret" }, "private, gated or missing"],
    [{ config: "none" }, "no configuration none; it has plain, other"],
    [{ split: "dev" }, "no split dev in plain; it has test, train"],
  ])("an import of %j fails with a reason", async (given, why) => {
    const id = await load(given);
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "failed", error: expect.stringContaining(why) });
    const news = await harness.database.sql("select kind, body from notifications where user_id = $1", [harness.userId]);
    expect(news).toMatchObject([{ kind: "dataset_failed", body: expect.stringContaining(why) }]);
  });

  test("an import reports the server's own reason for an unavailable dataset", async () => {
    const id = await load({});
    hf.hub.failures.push({
      status: 501,
      code: "DatasetWithScriptNotSupportedError",
      error: "Dataset\0 scripts are no longer supported.\ud800",
    });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "failed",
      error: expect.stringContaining("scripts are no longer"),
    });
  });
});

describe("the dataset card", () => {
  beforeEach(() => {
    hf.hub.infos = { "owner/quiz/plain": { description: " Questions\0 of numbers. ", license: "apache-2.0" } };
  });

  test("its description is used", async () => {
    const id = await load({});
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      description: "Questions of numbers.",
      license: "apache-2.0",
      version: 1,
    });
  });

  test("it does not replace the importer's own fields", async () => {
    const id = await load({ custom_description: "Mine." });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ description: "Mine.", license: "apache-2.0" });
  });

  test("it is optional", async () => {
    const id = await load({});
    hf.hub.failures.push({ path: "/info", status: 500, code: "UnexpectedError", error: "Unexpected error." });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", description: "", license: null });
  });
});

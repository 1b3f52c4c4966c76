import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fetchPages } from "../../src/datasets/hub.ts";
import { LoadBody } from "../../src/datasets/schemas.ts";
import { loadDataset } from "../../src/datasets/service.ts";
import { startFakeHub, type FakeHub } from "../support/vendors/huggingface-datasets.ts";
import { useYard } from "./yard.ts";

let hub: FakeHub;
beforeAll(async () => {
  hub = await startFakeHub();
});
afterAll(() => hub.close());

const yard = useYard(() => ({ HF_DATASETS_URL: hub.url }));

const questions = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    question: `What is ${i} and ${i * 31}?`,
    answer: `It is ${(i * 7919).toString(36)}.`,
  }));

beforeEach(() => {
  hub.splits = {
    "owner/quiz/plain/test": questions(3),
    "owner/quiz/plain/train": questions(250),
    "owner/quiz/other/validation": questions(5),
  };
  hub.asked.length = 0;
  hub.failures.length = 0;
});

const load = async (given: object) =>
  (await loadDataset(yard.ctx, yard.userId, LoadBody.parse({ dataset_id: "owner/quiz", ...given }))).id;

const pagesAsked = () =>
  hub.asked
    .filter((asked) => asked.startsWith("/rows"))
    .map((asked) => /offset=(\d+)&length=(\d+)/.exec(asked)!.slice(1).map(Number));

describe("an import of Hugging Face", () => {
  test("follows the pages of the split that is meant, up to its limit", async () => {
    const id = await load({ limit: 220 });
    await yard.work();
    expect(await yard.stateOf(id)).toMatchObject({
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
    const rows = await yard.rowsOf(id);
    expect(rows[219]).toMatchObject({ index: 219, kind: "question", source: "owner/quiz#220", fields: questions(220)[219] });
  });

  test.each([
    [{}, 250],
    [{ split: "test" }, 3],
    [{ config: "other" }, 5],
  ])("with %j has %i rows", async (given, count) => {
    const id = await load(given);
    await yard.work();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "ready", sample_count: count });
  });

  test("whose consumer dies goes on with the page that is missing", async () => {
    const id = await load({});
    yard.bucket.before = (verb, key) => {
      if (verb === "put" && key.endsWith("page-000000200")) throw new Error("The consumer died.");
    };
    await yard.deliver();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "processing", hub: { next_offset: 200 }, parts: [] });
    yard.bucket.before = () => undefined;
    await yard.work();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "ready", sample_count: 250 });
    expect(pagesAsked().map(([offset]) => offset)).toEqual([0, 100, 200, 200]);
    expect((await yard.rowsOf(id)).map(({ index }) => index)).toEqual(Array.from({ length: 250 }, (_, i) => i));
  });

  test("asks for another delivery where its time is over", async () => {
    const id = await load({});
    const [dataset] = await yard.database.sql("select * from datasets where id = $1", [id]);
    expect(await fetchPages(yard.ctx, dataset as Parameters<typeof fetchPages>[1], 0)).toBe("more");
  });

  test("waits while the server prepares it, or is asked too often, or is out", async () => {
    const id = await load({});
    hub.failures.push(
      { status: 500, code: "ResponseNotReady", error: "The server is busier than usual and the response is not ready yet." },
      { status: 429, error: "Too many requests", headers: { "retry-after": "5" } },
      { status: 502, error: "Bad gateway" },
    );
    await yard.deliver();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "pending", error: null });
    await yard.work();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "ready", sample_count: 250 });
  });

  test.each([
    [{ dataset_id: "owner/secret" }, "private or gated"],
    [{ config: "none" }, "no configuration none; it has plain, other"],
    [{ split: "dev" }, "no split dev in plain; it has test, train"],
  ])("of %j fails, and says why", async (given, why) => {
    const id = await load(given);
    await yard.work();
    expect(await yard.stateOf(id)).toMatchObject({ processing_status: "failed", error: expect.stringContaining(why) });
    const news = await yard.database.sql("select kind, body from notifications where user_id = $1", [yard.userId]);
    expect(news).toMatchObject([{ kind: "dataset_failed", body: expect.stringContaining(why) }]);
  });

  test("passes on what the server says of a dataset that it cannot show", async () => {
    const id = await load({});
    hub.failures.push({
      status: 501,
      code: "DatasetWithScriptNotSupportedError",
      error: "Dataset scripts are no longer supported.",
    });
    await yard.work();
    expect(await yard.stateOf(id)).toMatchObject({
      processing_status: "failed",
      error: expect.stringContaining("scripts are no longer"),
    });
  });
});

test.each(["../etc/passwd", "a/b/c", "owner/quiz?x=1", "", "https://example.com/x", "owner /quiz", ".hidden/x"])(
  "“%s” is no name of a dataset",
  (dataset_id) => {
    expect(LoadBody.safeParse({ dataset_id }).success).toBe(false);
  },
);

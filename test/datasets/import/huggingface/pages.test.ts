import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../../support/random.ts";
import { startFakeHub, type FakeHub } from "../../../support/vendors/huggingface-datasets.ts";
import { questions, useHuggingFace } from "../../support/huggingface.ts";
import { datasetRow, rowsOf } from "../../support/imports.ts";

const hf = useHuggingFace();
const { harness, load, pagesAsked } = hf;

/** Somebody that is not Hugging Face. */
let stranger: FakeHub;
beforeAll(async () => {
  stranger = await startFakeHub();
});
afterAll(() => stranger.close());

describe("an import of more than some hundred rows", () => {
  beforeEach(() => {
    hf.hub.splits = { "owner/quiz/plain/train": questions(820) };
  });

  const rangeRequests = () => hf.hub.requests.filter((path) => path.startsWith("/store/") && / bytes=4-/.test(path));
  const indices = async (id: number) => (await rowsOf(harness, id)).map(({ index }) => index);

  test("the rows are read from Parquet files up to the limit", async () => {
    const id = await load({ limit: 520 });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "ready",
      format: "jsonl",
      sample_count: 520,
      report: { unreadable: 0 },
    });
    const rows = await rowsOf(harness, id);
    expect(rows.map(({ fields }) => fields)).toEqual(questions(520));
    expect(rows[519]).toMatchObject({ index: 519, kind: "question", source: "owner/quiz#520" });
    // Of the files of 300 rows the first two, of the second two row groups and 20 rows of the third; each address redirected once.
    expect(hf.hub.requests.some((path) => /train\/0002/.test(path))).toBe(false);
    expect(hf.hub.requests.filter((path) => path.startsWith("/datasets/"))).toHaveLength(2);
    expect(pagesAsked()).toEqual([]);
  });

  test("an import whose consumer died continues with the missing rows and reads no stored row group again", async () => {
    hf.hub.parquet = { rowsPerFile: 820, rowGroupSize: 400 };
    const id = await load({});
    harness.bucket.before = (verb, key) => {
      if (verb === "put" && key.includes("page-000000400")) throw new Error("The consumer died.");
    };
    await harness.deliver();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "processing",
      hub: { next_offset: 400 },
      parts: [],
    });
    harness.bucket.before = () => undefined;
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 820 });
    expect(await indices(id)).toEqual(Array.from({ length: 820 }, (_, i) => i));
    expect(rangeRequests()).toHaveLength(1);
  });

  test("an import that is delivered twice concurrently has each row once and leaves no other page", async () => {
    const id = await load({});
    await harness.events.settled();
    harness.queue.duplicateAndShuffle(seededRandom(3));
    await harness.work();
    expect(await indices(id)).toEqual(Array.from({ length: 820 }, (_, i) => i));
    const pages = Array.from(harness.bucket.objects.keys()).filter((key) => key.includes("/page-"));
    const { files } = (await datasetRow(harness, id)) as { files: { key: string }[] };
    expect(pages.toSorted()).toEqual(files.map(({ key }) => key).toSorted());
  });

  test("the report says that the server has only the beginning", async () => {
    hf.hub.partial = true;
    const [long, short] = [await load({}), await load({ limit: 20 })];
    await harness.work();
    for (const id of [long, short]) expect((await datasetRow(harness, id))["report"]).toMatchObject({ partial: true });
  });

  test.each([
    [503, "is down"],
    [206, "returns another range"],
  ])("an import waits while the file store answers %i: it %s", async (status, error) => {
    hf.hub.failures.push({ path: "/store/", status, error });
    const id = await load({});
    await harness.deliver();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "processing", error: null });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 820 });
    expect(pagesAsked()).toEqual([]);
  });

  test.each<[string, () => unknown, number?]>([
    ["there are no Parquet files", () => (hf.hub.parquet = null)],
    ["they are encrypted", () => (hf.hub.files = [Buffer.from(`PARE${"x".repeat(100)}PARE`)])],
    ["their row groups are too large", () => (hf.hub.files = [readFileSync("test/fixtures/parquet/many-values.parquet")])],
    ["there are too many of them", () => (hf.hub.parquet = { rowsPerFile: 35, rowGroupSize: 35 }), 700],
    ["their store ignores ranges", () => hf.hub.failures.push({ path: "/store/", status: 200, error: "All of it." })],
    ["they redirect to another host", () => (hf.hub.storage = stranger.url)],
    ["they redirect in a loop", () => (hf.hub.storage = `${hf.hub.url}/datasets/owner`)],
  ])("the rows are read page by page if %s", async (_, arrange, from = 0) => {
    arrange();
    const id = await load({});
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "ready",
      sample_count: 820,
      report: { unreadable: 0 },
    });
    expect((await rowsOf(harness, id)).map(({ fields }) => fields)).toEqual(questions(820));
    expect([pagesAsked()[0], pagesAsked().at(-1)]).toEqual([
      [from, 100],
      [800, 100],
    ]);
    expect(stranger.requests).toEqual([]);
  });

  test("a row that is not UTF-8 is a problem, and the rows around it are read", async () => {
    hf.hub.infos = {};
    hf.hub.files = [readFileSync("test/fixtures/parquet/invalid-utf8.parquet")];
    const id = await load({});
    await harness.work();
    expect((await datasetRow(harness, id))["report"]).toMatchObject({
      rows: 2,
      problems: [{ position: 2, code: "invalid_encoding", message: "is not valid UTF-8" }],
    });
    expect((await rowsOf(harness, id)).map(({ source }) => source)).toEqual(["owner/quiz#1", "owner/quiz#3"]);
  });
});

describe("an import of rows whose cells the server truncates", () => {
  beforeEach(() => {
    hf.hub.splits["owner/quiz/plain/train"] = questions(250).map((row, i) =>
      i === 120 ? { ...row, answer: "long ".repeat(40) } : row,
    );
    hf.hub.cellBytes = 100;
  });

  test("the rows are read whole from Parquet files", async () => {
    const id = await load({});
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "ready",
      sample_count: 250,
      report: { unreadable: 0 },
    });
    expect((await rowsOf(harness, id))[120]!.text).toContain(
      "long long long long long long long long long long long long long long long",
    );
    expect(pagesAsked()).toHaveLength(2);
  });

  test("without Parquet files the truncated rows are problems, and their neighbors keep their positions", async () => {
    hf.hub.parquet = null;
    const id = await load({});
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "ready",
      sample_count: 249,
      report: {
        unreadable: 1,
        problems: [{ position: 121, code: "cut_short", message: "has cells that the dataset server truncates: answer" }],
      },
    });
    expect((await rowsOf(harness, id)).slice(119, 121).map(({ source }) => source)).toEqual([
      "owner/quiz#120",
      "owner/quiz#122",
    ]);
  });

  test("the import fails with a reason if no row is left", async () => {
    hf.hub.parquet = null;
    hf.hub.cellBytes = 1;
    const id = await load({ split: "test" });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "failed",
      error:
        "The file contains no rows. First problem, at position 1: has cells that the dataset server truncates: question, answer.",
    });
  });
});

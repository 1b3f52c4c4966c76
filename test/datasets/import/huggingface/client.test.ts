import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fetchPages } from "../../../../src/datasets/import/huggingface/fetch-pages.ts";
import { failLostImports } from "../../../../src/datasets/import/run-import.ts";
import { LoadBody } from "../../../../src/datasets/schemas.ts";
import { datasetJobs } from "../../../../src/datasets/jobs.ts";
import { loadDataset } from "../../../../src/datasets/service.ts";
import { seededRandom } from "../../../support/random.ts";
import { resetHub, startFakeHub, type FakeHub } from "../../../support/vendors/huggingface-datasets.ts";
import { useServiceHarness } from "../../../support/service-harness.ts";
import { datasetRow, rowsOf } from "../../support/imports.ts";

let hub: FakeHub;
/** Somebody that is not Hugging Face. */
let stranger: FakeHub;
beforeAll(async () => {
  [hub, stranger] = await Promise.all([startFakeHub(), startFakeHub()]);
});
afterAll(() => Promise.all([hub.close(), stranger.close()]));

const harness = useServiceHarness({ handlers: datasetJobs, bindings: () => ({ HF_DATASETS_URL: hub.url }) });

const questions = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    question: `What is ${i} and ${i * 31}?`,
    answer: `It is ${(i * 7919).toString(36)}.`,
  }));

beforeEach(() => {
  resetHub(hub);
  hub.infos = { "owner/quiz/plain": { description: "", license: "" } };
  hub.splits = {
    "owner/quiz/plain/test": questions(3),
    "owner/quiz/plain/train": questions(250),
    "owner/quiz/other/validation": questions(5),
  };
});

const load = async (given: object) =>
  (await loadDataset(harness.ctx, harness.userId, LoadBody.parse({ dataset_id: "owner/quiz", ...given }))).id;

const pagesAsked = () =>
  hub.asked
    .filter((asked) => asked.startsWith("/rows"))
    .map((asked) => /offset=(\d+)&length=(\d+)/.exec(asked)!.slice(1).map(Number));

describe("an import of Hugging Face", () => {
  test("follows the pages of the split that is meant, up to its limit", async () => {
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
  ])("with %j has %i rows", async (given, count) => {
    const id = await load(given);
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: count });
  });

  test("whose consumer dies goes on with the page that is missing", async () => {
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

  test("that comes twice at once is fetched to its end", async () => {
    const id = await load({});
    await harness.events.settled();
    harness.queue.duplicateAndShuffle(seededRandom(3));
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 250 });
    expect((await rowsOf(harness, id)).map(({ index }) => index)).toEqual(Array.from({ length: 250 }, (_, i) => i));
    expect(harness.dead.size).toBe(0);
  });

  test("asks for another delivery where its time is over", async () => {
    const id = await load({});
    const [dataset] = await harness.database.sql("select * from datasets where id = $1", [id]);
    expect(await fetchPages(harness.ctx, dataset as Parameters<typeof fetchPages>[1], 0)).toBe("more");
  });

  test("waits while the server prepares it, or is asked too often, or is out", async () => {
    const id = await load({});
    hub.failures.push(
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
  ])("that is asked too often by %j comes again after %i seconds", async (headers, delaySeconds) => {
    await load({});
    hub.failures.push({ status: 429, error: "Too many requests", headers });
    await harness.deliver();
    expect(harness.queue.deliveries).toMatchObject([{ outcome: "retry", delaySeconds }]);
  });

  test("that was tried as often as it may be says what went wrong the last time", async () => {
    const id = await load({});
    const failure = { status: 500, code: "UnexpectedError", error: "Unexpected error." };
    hub.failures.push({ status: 502, error: "Bad gateway" }, ...Array.from({ length: 20 }, () => failure));
    await harness.work();
    expect(await failLostImports(harness.ctx)).toBe(1);
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "failed",
      error:
        "It was tried as often as it may be. The last time: Hugging Face cannot answer now (500 UnexpectedError): Unexpected error.",
    });
  });

  test.each([
    [{ dataset_id: "owner/secret" }, "private or gated"],
    [{ config: "none" }, "no configuration none; it has plain, other"],
    [{ split: "dev" }, "no split dev in plain; it has test, train"],
  ])("of %j fails, and says why", async (given, why) => {
    const id = await load(given);
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "failed", error: expect.stringContaining(why) });
    const news = await harness.database.sql("select kind, body from notifications where user_id = $1", [harness.userId]);
    expect(news).toMatchObject([{ kind: "dataset_failed", body: expect.stringContaining(why) }]);
  });

  test("passes on what the server says of a dataset that it cannot show", async () => {
    const id = await load({});
    hub.failures.push({
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

describe("an import of more than some hundred rows", () => {
  beforeEach(() => {
    hub.splits = { "owner/quiz/plain/train": questions(820) };
  });

  const piecesAsked = () => hub.asked.filter((asked) => asked.startsWith("/store/") && / bytes=4-/.test(asked));
  const indices = async (id: number) => (await rowsOf(harness, id)).map(({ index }) => index);

  test("reads them out of the Parquet files that hold them, up to its limit", async () => {
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
    expect(hub.asked.some((asked) => /train\/0002/.test(asked))).toBe(false);
    expect(hub.asked.filter((asked) => asked.startsWith("/datasets/"))).toHaveLength(2);
    expect(pagesAsked()).toEqual([]);
  });

  test("whose consumer dies goes on with the rows that are missing, and reads no row group again that is stored", async () => {
    hub.parquet = { rowsPerFile: 820, rowGroupSize: 400 };
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
    expect(piecesAsked()).toHaveLength(1);
  });

  test("that comes twice at once has each row once, and leaves no page behind that is not its", async () => {
    const id = await load({});
    await harness.events.settled();
    harness.queue.duplicateAndShuffle(seededRandom(3));
    await harness.work();
    expect(await indices(id)).toEqual(Array.from({ length: 820 }, (_, i) => i));
    const pages = Array.from(harness.bucket.objects.keys()).filter((key) => key.includes("/page-"));
    const { files } = (await datasetRow(harness, id)) as { files: { key: string }[] };
    expect(pages.toSorted()).toEqual(files.map(({ key }) => key).toSorted());
  });

  test("says in its report that the server has the beginning alone", async () => {
    hub.partial = true;
    const [long, short] = [await load({}), await load({ limit: 20 })];
    await harness.work();
    for (const id of [long, short]) expect((await datasetRow(harness, id))["report"]).toMatchObject({ partial: true });
  });

  test.each([
    [503, "is out"],
    [206, "gives another piece than was asked for"],
  ])("waits while the store of the files answers %i: it %s", async (status, error) => {
    hub.failures.push({ path: "/store/", status, error });
    const id = await load({});
    await harness.deliver();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "processing", error: null });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", sample_count: 820 });
    expect(pagesAsked()).toEqual([]);
  });

  test.each<[string, () => unknown, number?]>([
    ["there are no Parquet files", () => (hub.parquet = null)],
    ["they are compressed as is not read", () => (hub.files = [readFileSync("test/fixtures/parquet/brotli.parquet")])],
    ["their row groups are too large", () => (hub.files = [readFileSync("test/fixtures/parquet/many-values.parquet")])],
    ["they are too many", () => (hub.parquet = { rowsPerFile: 35, rowGroupSize: 35 }), 700],
    ["they are not given in pieces", () => hub.failures.push({ path: "/store/", status: 200, error: "All of it." })],
    ["they are redirected to somebody else", () => (hub.storage = stranger.url)],
    ["they are redirected in circles", () => (hub.storage = `${hub.url}/datasets/owner`)],
  ])("has its rows page by page where %s", async (_, arrange, from = 0) => {
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
    expect(stranger.asked).toEqual([]);
  });

  test("has a problem for a row that is no UTF-8, and the rows around it", async () => {
    hub.infos = {};
    hub.files = [readFileSync("test/fixtures/parquet/invalid-utf8.parquet")];
    const id = await load({});
    await harness.work();
    expect((await datasetRow(harness, id))["report"]).toMatchObject({
      rows: 2,
      problems: [{ position: 2, code: "invalid_encoding", message: "is not valid UTF-8" }],
    });
    expect((await rowsOf(harness, id)).map(({ source }) => source)).toEqual(["owner/quiz#1", "owner/quiz#3"]);
  });
});

describe("an import of rows whose cells the server cuts short", () => {
  beforeEach(() => {
    hub.splits["owner/quiz/plain/train"] = questions(250).map((row, i) =>
      i === 120 ? { ...row, answer: "long ".repeat(40) } : row,
    );
    hub.cellBytes = 100;
  });

  test("reads them out of Parquet files, where nothing is cut", async () => {
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

  test("has problems for them where there are none, and their neighbours keep their places", async () => {
    hub.parquet = null;
    const id = await load({});
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "ready",
      sample_count: 249,
      report: {
        unreadable: 1,
        problems: [{ position: 121, code: "cut_short", message: "has cells that the dataset server cuts short: answer" }],
      },
    });
    expect((await rowsOf(harness, id)).slice(119, 121).map(({ source }) => source)).toEqual([
      "owner/quiz#120",
      "owner/quiz#122",
    ]);
  });

  test("fails where that leaves nothing, and says why", async () => {
    hub.parquet = null;
    hub.cellBytes = 1;
    const id = await load({ split: "test" });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      processing_status: "failed",
      error:
        "There is not one row in it; what should be one (1) has cells that the dataset server cuts short: question, answer.",
    });
  });
});

describe("what a dataset says of itself", () => {
  beforeEach(() => {
    hub.infos = { "owner/quiz/plain": { description: " Questions\0 of numbers. ", license: "apache-2.0" } };
  });

  test("is taken over", async () => {
    const id = await load({});
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({
      description: "Questions of numbers.",
      license: "apache-2.0",
      version: 1,
    });
  });

  test("does not replace what its importer says", async () => {
    const id = await load({ custom_description: "Mine." });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ description: "Mine.", license: "apache-2.0" });
  });

  test("can be done without", async () => {
    const id = await load({});
    hub.failures.push({ path: "/info", status: 500, code: "UnexpectedError", error: "Unexpected error." });
    await harness.work();
    expect(await datasetRow(harness, id)).toMatchObject({ processing_status: "ready", description: "", license: null });
  });
});

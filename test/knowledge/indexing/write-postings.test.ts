import { beforeEach, describe, expect, test, vi } from "vitest";
import { loadAnalyzer } from "../../../src/kit/text/analyzer.ts";
import { PostingsBlock, packPosting } from "../../../src/knowledge/indexing/postings.ts";
import { startBuild } from "../../../src/knowledge/indexing/start-build.ts";
import { baseOf, type BaseRow } from "../../../src/knowledge/queries.ts";
import { searchBase } from "../../../src/knowledge/search/query.ts";
import { createBase, deleteBase, getBase } from "../../../src/knowledge/service.ts";
import { createUser, type Person } from "../../support/users.ts";
import { useIndexHarness } from "../support/memory-datasets.ts";

const harness = useIndexHarness();
let me: Person;
let base: BaseRow;
let named = 0;

const manyTexts = Array.from({ length: 600 }, (_, row) => `Fact number ${row}: the ${row}th lighthouse has ${row * 7} steps.`);

beforeEach(async () => {
  me = await createUser(harness);
  base = await createBase(harness.ctx, me.id, { name: `Base ${++named}` });
  Object.assign(harness, { beforeRow: () => undefined, limits: { ms: 60_000, chunks: 5_000 } });
  harness.texts = {
    1: ["Die Kündigungsfrist für Mietverträge beträgt drei Monate.", "Elterngeld wird schriftlich und rechtzeitig beantragt."],
    2: manyTexts,
    3: ["データベースの設定を変更した後は、サーバーを再起動してください。"],
  };
});

const settings = { update_strategy: "append", strategy: "auto", chunk_size: 1_000, chunk_overlap: 100 } as const;
const build = async (dataset_ids: number[]) => {
  await startBuild(harness.ctx, me.id, base.id, { ...settings, dataset_ids }, harness.datasets);
  await harness.work();
  return baseOf(await getBase(harness.ctx, me.id, base.id));
};
const find = async (query: string) => {
  const [found] = await searchBase(harness.ctx, me.id, base.id, [{ query, top_k: 20, method: "keyword" }]);
  return found!.passages.map(({ text }) => text);
};
const partsOf = () =>
  harness.database.sql(
    `select dataset_id, chunk_count, analyzed_count, word_count, languages, analyzer_version from knowledge_parts
     where knowledge_base_id = $1 order by dataset_id`,
    [base.id],
  );
const storedPostings = () =>
  harness.database.sql(
    `select term, array_agg(posting order by posting) as postings from knowledge_postings k
       join knowledge_parts p on p.id = k.part_id, unnest(k.postings) as posting
     where p.knowledge_base_id = $1 group by term order by term collate "C"`,
    [base.id],
  );
const expectedPostings = async () => {
  const block = new PostingsBlock(await loadAnalyzer());
  for (const [position, text] of manyTexts.entries()) block.add({ position, text, heading: null });
  const rows = Array.from(block.rows(Infinity)).flat();
  return rows
    .toSorted((a, b) => (a.term < b.term ? -1 : 1))
    .map(({ term, postings }) => ({ term, postings: postings.map(String) }));
};
const asText = (rows: readonly Record<string, unknown>[]) =>
  rows.map(({ term, postings }) => ({ term, postings: (postings as unknown[]).map(String) }));

describe("the postings of a build", () => {
  test("each part knows its languages, and is searched in them", async () => {
    await build([1, 3]);
    expect(await partsOf()).toEqual([
      {
        dataset_id: 1,
        chunk_count: 2,
        analyzed_count: 2,
        word_count: expect.any(Number),
        languages: ["de"],
        analyzer_version: 1,
      },
      {
        dataset_id: 3,
        chunk_count: 1,
        analyzed_count: 1,
        word_count: expect.any(Number),
        languages: ["ja"],
        analyzer_version: 1,
      },
    ]);
    expect(await find("Frist")).toEqual([harness.texts[1]![0]]);
    expect(await find("サーバー")).toEqual(harness.texts[3]);
  });

  test("several blocks have the same postings as one", async () => {
    harness.limits = { ms: 60_000, chunks: 5_000, block: { chunks: 250, postings: 1_500 } };
    await build([2]);
    const blocks = await harness.database.sql(
      "select distinct block from knowledge_postings k join knowledge_parts p on p.id = k.part_id where p.knowledge_base_id = $1",
      [base.id],
    );
    expect(blocks.length).toBeGreaterThan(2);
    expect(asText(await storedPostings())).toEqual(await expectedPostings());
    for (const row of [0, 249, 250, 599]) expect((await find(`${row}th`))[0]).toBe(manyTexts[row]);
  });

  test("a build whose consumer dies within a block continues with the block", async () => {
    let read = 0;
    const block = {
      postings: 1_000_000,
      get chunks() {
        if (++read === 350) throw Object.assign(new Error("killed"), { retryable: true });
        return 200;
      },
    };
    harness.limits = { ms: 60_000, chunks: 5_000, block };
    expect(await build([2])).toMatchObject({ build: { status: "complete" } });
    expect(asText(await storedPostings())).toEqual(await expectedPostings());
    expect(await partsOf()).toMatchObject([{ analyzed_count: 600, languages: ["en"] }]);
  });

  test("a slice whose time is over leaves the next block to the next job", async () => {
    harness.limits = { ms: 60_000, chunks: 5_000, block: { chunks: 200, postings: 1_000_000 } };
    const realNow = performance.now.bind(performance);
    harness.beforeRow = (row) => void (row === "2:599" && clock.mockImplementation(() => realNow() + 100_000));
    const clock = vi.spyOn(performance, "now");
    expect(await build([2])).toMatchObject({ chunk_count: 600, build: { status: "complete" } });
    clock.mockRestore();
    expect(asText(await storedPostings())).toEqual(await expectedPostings());
    const slices = harness.queue.deliveries.filter(({ body }) => (body as { name: string }).name === "index-knowledge-base");
    expect(slices.length).toBeGreaterThan(1);
  });

  test("they are deleted with their part", async () => {
    await build([1]);
    expect(await storedPostings()).not.toEqual([]);
    await deleteBase(harness.ctx, me.id, base.id);
    expect(
      await harness.database.sql("select term from knowledge_postings where part_id not in (select id from knowledge_parts)"),
    ).toEqual([]);
    expect(await storedPostings()).toEqual([]);
  });
});

describe("a posting", () => {
  test("it packs the position, the frequency and the length of a chunk", () => {
    const packed = BigInt(packPosting({ position: 99_999, frequency: 3, length: 400 }));
    expect([packed >> 32n, (packed >> 16n) & 65_535n, packed & 65_535n]).toEqual([99_999n, 3n, 400n]);
  });

  test("a frequency and a length above 65,535 are cut", () => {
    expect(packPosting({ position: 0, frequency: 70_000, length: 80_000 })).toBe(2 ** 32 - 1);
  });

  test("a heading counts more than the text, and grams and parts are not words of the length", async () => {
    const block = new PostingsBlock(await loadAnalyzer());
    block.add({ position: 7, text: "Die Kündigungsfrist steht im Vertrag.", heading: "Vertrag" });
    const rows = new Map(
      Array.from(block.rows(Infinity))
        .flat()
        .map(({ term, postings }) => [term, postings]),
    );
    expect(rows.get("vertrag")).toEqual([packPosting({ position: 7, frequency: 3, length: block.wordCount })]);
    expect(block.wordCount).toBeLessThan(5);
    expect(rows.has("~fris")).toBe(true);
  });
});

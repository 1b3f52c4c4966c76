import { beforeEach, describe, expect, test } from "vitest";
import type { IndexBody } from "../../../src/knowledge/schemas.ts";
import { baseOf, type BaseRow } from "../../../src/knowledge/queries.ts";
import { searchBase } from "../../../src/knowledge/search/query.ts";
import { createBase, deleteBase, getBase, removeDataset, rollBack } from "../../../src/knowledge/service.ts";
import { replayFailedJob } from "../../../src/jobs/service.ts";
import { startBuild } from "../../../src/knowledge/indexing/start-build.ts";
import { outcomeOf } from "../../minions/support/minions.ts";
import { createUser, type Person } from "../../support/users.ts";
import { seededRandom } from "../../support/random.ts";
import { useIndexHarness } from "../support/memory-datasets.ts";

const harness = useIndexHarness();
let me: Person;
let base: BaseRow;
let named = 0;

const manyTexts = Array.from({ length: 600 }, (_, row) => `Fact number ${row}: the ${row}th lighthouse has ${row * 7} steps.`);

beforeEach(async () => {
  me = await createUser(harness);
  base = await createBase(harness.ctx, me.id, { name: `Base ${++named}` });
  Object.assign(harness, { read: [], beforeRow: () => undefined, limits: { ms: 60_000, chunks: 5_000 } });
  harness.texts = {
    1: ["The Danube ends in the Black Sea.", "The Rhine ends in the North Sea."],
    2: manyTexts,
    3: ["Bread must rise."],
  };
});

const settings = { update_strategy: "append", strategy: "auto", chunk_size: 1_000, chunk_overlap: 100 } as const;
const start = (dataset_ids: number[], given: Partial<IndexBody> = {}) =>
  startBuild(harness.ctx, me.id, base.id, { ...settings, dataset_ids, ...given }, harness.datasets);
const build = async (dataset_ids: number[], given: Partial<IndexBody> = {}) => {
  await start(dataset_ids, given);
  await harness.work();
  return now();
};
const now = async () => baseOf(await getBase(harness.ctx, me.id, base.id));
const find = async (query: string, top_k = 20) => {
  const [found] = await searchBase(harness.ctx, me.id, base.id, [{ query, top_k, method: "hybrid" }]);
  return found!.passages.map(({ text }) => text);
};
const stored = async () => {
  const rows = await harness.database.sql(
    `select c.text, c.position, c.part_id from knowledge_chunks c join knowledge_parts p on p.id = c.part_id
     where p.knowledge_base_id = $1 order by c.part_id, c.position`,
    [base.id],
  );
  return rows.map(({ text }) => text);
};

describe("a build", () => {
  test("it is searched when it is complete, reports its progress and end, and unlocks the datasets", async () => {
    const started = baseOf(await start([1, 3]));
    expect(started).toMatchObject({
      chunk_count: 0,
      datasets: [],
      dimensions: null,
      build: { status: "building", datasets_done: 0, datasets_total: 2, chunk_count: 0, is_active: false, finished_at: null },
    });
    expect(await harness.database.sql("select * from test_uses")).toHaveLength(2);
    expect(await find("sea")).toEqual([]);
    await harness.work();
    expect(await now()).toMatchObject({
      chunk_count: 3,
      dimensions: 384,
      datasets: [
        { dataset_id: 1, name: "dataset 1", chunk_count: 2, chunk_size: 1_000 },
        { dataset_id: 3, chunk_count: 1 },
      ],
      build: { status: "complete", datasets_done: 2, chunk_count: 3, reused_count: 0, is_active: true, error: null },
      can_roll_back: false,
    });
    expect((await find("Which sea does the Rhine reach?"))[0]).toBe("The Rhine ends in the North Sea.");
    expect(await harness.database.sql("select * from test_uses")).toEqual([]);
    const news = await harness.database.sql("select kind, body from notifications where user_id = $1", [me.id]);
    expect(news).toEqual([{ kind: "knowledge_indexed", body: "The knowledge base has 3 chunks." }]);
  });

  test("a long build continues slice by slice, and nothing of it is visible before its end", async () => {
    await build([1]);
    harness.limits = { ms: 60_000, chunks: 1 };
    let seenEarly = 0;
    harness.beforeRow = async (row) => {
      if (row.endsWith("50")) seenEarly += Number((await now()).chunk_count !== 2);
    };
    await build([2]);
    expect(seenEarly).toBe(0);
    expect(await now()).toMatchObject({ chunk_count: 602, build: { status: "complete" } });
    expect(await stored()).toEqual([...harness.texts[1]!, ...manyTexts]);
    const slices = harness.queue.deliveries.filter(({ body }) => (body as { name: string }).name === "index-knowledge-base");
    expect(slices.length).toBeGreaterThan(4);
  });

  test("a build whose consumer dies continues where it was", async () => {
    let killed = 0;
    harness.beforeRow = (row) => {
      if (row === "2:300" && killed++ < 2) throw Object.assign(new Error("killed"), { retryable: true });
    };
    await build([2]);
    expect(killed).toBe(3);
    expect(await stored()).toEqual(manyTexts);
    // 256 rows were committed before: those are not read again.
    expect(harness.read.filter((row) => row === "2:255")).toHaveLength(1);
    expect(harness.read.filter((row) => row === "2:256")).toHaveLength(3);
  });

  test.each([1, 2])("jobs that are delivered twice and out of order make one build (seed %i)", async (seed) => {
    harness.limits = { ms: 60_000, chunks: 200 };
    await start([2, 3]);
    await harness.events.settled();
    harness.queue.duplicateAndShuffle(seededRandom(seed));
    harness.queue.duplicateAndShuffle(seededRandom(seed + 7));
    await harness.work();
    expect(await stored()).toEqual([...manyTexts, "Bread must rise."]);
    expect(await now()).toMatchObject({ build: { status: "complete", datasets_done: 2, chunk_count: 601 } });
    expect(await harness.database.sql("select * from failed_jobs")).toEqual([]);
  });

  test("a build is refused during another one, or with missing datasets", async () => {
    await start([1]);
    expect(await outcomeOf(start([3]))).toBe("conflict");
    expect(await outcomeOf(removeDataset(harness.ctx, me.id, base.id, 1))).toBe("conflict");
    await harness.work();
    expect(await outcomeOf(start([1, 4]))).toBe("validation_failed");
    const stranger = await createUser(harness);
    const theirs = startBuild(harness.ctx, stranger.id, base.id, { ...settings, dataset_ids: [1] }, harness.datasets);
    expect(await outcomeOf(theirs)).toBe("not_found");
    expect(await now()).toMatchObject({ chunk_count: 2 });
  });

  test("a build that stopped its consumer twice is given up with the reason, and a replay continues it", async () => {
    await build([1]);
    await start([2], { update_strategy: "replace" });
    const stopsAt = async (row: string) => {
      const stopped = Promise.withResolvers<void>();
      harness.beforeRow = (reading) => {
        if (reading !== row) return undefined;
        stopped.resolve();
        return new Promise(() => undefined);
      };
      await harness.stopConsumer(stopped.promise);
    };
    await stopsAt("2:300");
    await stopsAt("2:300");
    harness.beforeRow = () => undefined;
    await harness.work();
    const why = expect.stringContaining("stopped twice in a row without progress");
    expect(await now()).toMatchObject({ chunk_count: 2, build: { status: "failed", error: why, chunk_count: 256 } });
    expect(await harness.database.sql("select * from test_uses")).toEqual([]);
    const failed = await harness.one("select id, code, attempts from failed_jobs where user_id = $1", [me.id]);
    expect(failed).toMatchObject({ code: "consumer_lost", attempts: 2 });

    await replayFailedJob(harness.ctx, Number(failed["id"]), harness.handlers);
    expect(await harness.database.sql("select * from test_uses")).toHaveLength(1);
    harness.read = [];
    await harness.work();
    expect(await now()).toMatchObject({ chunk_count: 600, build: { status: "complete" } });
    expect(harness.read[0]).toBe("2:256");
    expect(await stored()).toEqual([...harness.texts[1]!, ...manyTexts]);
    expect(await harness.database.sql("select * from test_uses")).toEqual([]);
  });

  test("a build that was given up cannot be replayed after a newer build", async () => {
    await start([3]);
    await harness.events.settled();
    await harness.stopConsumer();
    await harness.stopConsumer();
    await harness.work();
    await build([1]);
    const { id } = await harness.one("select id from failed_jobs where user_id = $1", [me.id]);
    const replay = replayFailedJob(harness.ctx, Number(id), harness.handlers);
    await expect(replay).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("a newer build replaced it"),
    });
    expect(await now()).toMatchObject({ chunk_count: 2, build: { status: "complete" } });
  });

  test("a knowledge base cannot be deleted during a build", async () => {
    const outcomes: string[] = [];
    harness.beforeRow = async (row) =>
      void (row === "2:300" && outcomes.push(await outcomeOf(deleteBase(harness.ctx, me.id, base.id))));
    expect(await build([2])).toMatchObject({ build: { status: "complete" } });
    expect(outcomes).toEqual(["conflict"]);
    await deleteBase(harness.ctx, me.id, base.id);
    expect(await stored()).toEqual([]);
  });

  test("a build of a knowledge base whose owner deletes the account leaves no rows", async () => {
    harness.beforeRow = async (row) => {
      if (row !== "2:300") return;
      await harness.database.sql("delete from test_uses");
      await harness.database.sql("delete from knowledge_bases where id = $1", [base.id]);
    };
    await start([2]);
    await harness.work();
    expect(await harness.database.sql("select * from outbox")).toEqual([]);
    expect(await harness.database.sql("select * from failed_jobs where user_id = $1", [me.id])).toEqual([]);
    expect(await harness.database.sql("select * from test_uses")).toEqual([]);
    expect(await stored()).toEqual([]);
  });

  test("an internal error is reported, and the previous build stays searchable", async () => {
    await build([1]);
    harness.beforeRow = () => {
      throw new Error("a defect");
    };
    await build([3], { update_strategy: "replace" });
    expect(await now()).toMatchObject({ chunk_count: 2, build: { status: "failed", is_active: false } });
    expect((await now()).build!.error).toMatch(/An internal error occurred\. Report this request ID/);
    expect(await harness.database.sql("select name from failed_jobs where user_id = $1", [me.id])).toHaveLength(1);
    expect(await harness.database.sql("select * from test_uses")).toEqual([]);
    harness.beforeRow = () => undefined;
    expect(await build([3], { update_strategy: "replace" })).toMatchObject({ chunk_count: 1, build: { status: "complete" } });
  });
});

test("a build whose job used up its attempts fails, and the next build runs", async () => {
  await build([1]);
  harness.beforeRow = () => {
    throw Object.assign(new Error("The store is out."), { retryable: true });
  };
  await build([3], { update_strategy: "replace" });
  harness.beforeRow = () => undefined;
  expect(await now()).toMatchObject({
    chunk_count: 2,
    build: { status: "failed", error: expect.stringMatching(/maximum number of attempts\. Start it again/) },
  });
  await harness.work();
  expect(await build([3], { update_strategy: "replace" })).toMatchObject({ chunk_count: 1, build: { status: "complete" } });
});

describe("a build after another", () => {
  test("append mode keeps the existing chunks and adds missing ones", async () => {
    await build([1]);
    harness.texts[1] = ["This is not read."];
    await build([1, 3]);
    expect((await find("sea")).toSorted()).toEqual([
      "Bread must rise.",
      "The Danube ends in the Black Sea.",
      "The Rhine ends in the North Sea.",
    ]);
    expect(harness.read).toEqual(["1:0", "1:1", "3:0"]);
  });

  test("replace mode has only the new datasets, all embedded again", async () => {
    await build([1, 3]);
    expect(await build([1], { update_strategy: "replace" })).toMatchObject({ chunk_count: 2, build: { reused_count: 0 } });
    expect(await find("bread")).not.toContain("Bread must rise.");
  });

  test("smart replace mode embeds only what changed", async () => {
    await build([1, 3]);
    const before = await harness.database.sql(
      "select text, embedding::text from knowledge_chunks where text like 'The Rhine%'",
    );
    harness.texts[1] = ["The Danube ends in the sea.", "The Rhine ends in the North Sea.", "The Po is new."];
    expect(await build([1], { update_strategy: "smart_replace" })).toMatchObject({
      chunk_count: 3,
      build: { chunk_count: 3, reused_count: 1 },
    });
    expect((await find("river")).toSorted()).toEqual(harness.texts[1].toSorted());
    const after = await harness.database.sql("select text, embedding::text from knowledge_chunks where text like 'The Rhine%'");
    expect(new Set(after.map(({ embedding }) => embedding))).toEqual(new Set(before.map(({ embedding }) => embedding)));
  });

  test("the previous build can be restored, and older chunks are deleted", async () => {
    expect(await outcomeOf(rollBack(harness.ctx, me.id, base.id))).toBe("conflict");
    await build([1]);
    await build([3], { update_strategy: "replace" });
    expect(await find("x")).toEqual(["Bread must rise."]);
    await rollBack(harness.ctx, me.id, base.id);
    expect((await find("x")).toSorted()).toEqual(harness.texts[1]!.toSorted());
    await rollBack(harness.ctx, me.id, base.id);
    expect(await find("x")).toEqual(["Bread must rise."]);
    harness.texts[1] = ["A third build."];
    await build([1], { update_strategy: "replace" });
    expect(await stored()).toEqual(["Bread must rise.", "A third build."]);
  });

  test("removing a dataset takes effect at once and embeds nothing", async () => {
    await build([1, 3]);
    const removed = baseOf(await removeDataset(harness.ctx, me.id, base.id, 1));
    expect(removed).toMatchObject({ chunk_count: 1, datasets: [{ dataset_id: 3 }], can_roll_back: true });
    expect(await find("sea")).toEqual(["Bread must rise."]);
    expect(await outcomeOf(removeDataset(harness.ctx, me.id, base.id, 1))).toBe("not_found");
    await harness.work();
    expect(await stored()).toHaveLength(3);
  });
});

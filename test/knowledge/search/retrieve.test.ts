import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Ctx } from "../../../src/context.ts";
import { retrievePassages, type KnowledgeBaseRef, type Question } from "../../../src/knowledge/search/retrieve.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../../support/api.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";
import { createUser, type Person } from "../../support/users.ts";
import { insertBase } from "../support/knowledge-bases.ts";

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let ctx: Ctx;
let me: Person;
let base: KnowledgeBaseRef;

const rivers = [
  "The Danube flows through ten countries and ends in the Black Sea.",
  "The Rhine rises in the Alps and reaches the North Sea at Rotterdam.",
  "Salmon have come back to the Rhine since its water was cleaned.",
];
const bread = ["Knead the dough for ten minutes and let it rise overnight.", "Bake the bread at 230 degrees for half an hour."];

beforeAll(async () => {
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
  ctx = createTestContexts(testBindings(bridge.url)).context("test");
  me = await createUser({ database });
  base = await insertBase(database, me.id, {
    7: rivers.map((text, row) => ({ text, source: `rivers.csv#${row + 1}`, kind: "question", fields: { row, lang: "en" } })),
    9: bread.map((text) => ({ text, source: "bread.md" })),
  });
});

afterAll(async () => {
  await bridge.stopPostgres();
  await database.close();
});

const search = (given: Partial<Question> = {}, of = base) =>
  retrievePassages(ctx, of, { query: "Which sea does the Rhine reach?", top_k: 4, method: "hybrid", ...given });
const textsOf = async (given: Partial<Question> = {}, of = base) => (await search(given, of)).map(({ text }) => text);

describe("a search", () => {
  test.each(["semantic", "keyword", "hybrid"] as const)("the best match comes first (%s)", async (method) => {
    const [best, ...rest] = await search({ method });
    expect(best).toMatchObject({ text: rivers[1], dataset_id: 7, source: "rivers.csv#2", start: 0, end: rivers[1]!.length });
    expect(best!.score).toBeGreaterThan(0);
    expect(best!.score).toBeLessThanOrEqual(1);
    expect(rest.map(({ score }) => score)).toEqual(rest.map(({ score }) => score).toSorted((a, b) => b - a));
  });

  test("a search makes one round trip", async () => {
    const before = bridge.roundTrips();
    await search();
    expect(bridge.roundTrips() - before).toBe(1);
  });

  test.each(["semantic", "hybrid"] as const)(
    "a search returns the requested number of passages if there are as many (%s)",
    async (method) => {
      for (const top_k of [1, 3, 5]) expect(await search({ method, top_k, query: "zzz" })).toHaveLength(top_k);
      expect(await search({ method, top_k: 20 })).toHaveLength(5);
    },
  );

  test("keyword search matches word stems, and nothing without a common word", async () => {
    expect(await textsOf({ method: "keyword", query: "kneading overnight" })).toEqual([bread[0]]);
    expect(await textsOf({ method: "keyword", query: "the of and" })).toEqual([]);
    expect(await textsOf({ method: "keyword", query: "x'y & z | http://a.b/c?d=1&e=2 !:*" })).toEqual([]);
  });

  test("a text that matches exactly by meaning and by words has the maximum score", async () => {
    const [best] = await search({ query: rivers[0]! });
    expect(best).toMatchObject({ text: rivers[0], score: 1 });
  });

  test("passages below the threshold are left out", async () => {
    const [best] = await search({ method: "semantic", query: rivers[2]! });
    expect(best!.score).toBeCloseTo(1, 5);
    for (const method of ["semantic", "hybrid"] as const)
      expect(await textsOf({ method, query: rivers[2]!, threshold: 0.9 })).toEqual([rivers[2]]);
    expect(await search({ method: "keyword", threshold: 0.99 })).toEqual([]);
  });
});

describe("a filter", () => {
  test.each([
    ["datasets", { dataset_ids: [9] }, bread],
    ["sources", { sources: ["rivers.csv#1", "rivers.csv#3"] }, [rivers[0], rivers[2]]],
    ["kinds", { kinds: ["question"] }, rivers],
    ["fields of the row", { fields: { row: 2, lang: "en" } }, [rivers[2]]],
    ["several criteria", { dataset_ids: [7], kinds: ["text"] }, []],
    ["an unused dataset", { dataset_ids: [8] }, []],
  ])("a filter by %s excludes everything else", async (_name, filter, texts) => {
    for (const method of ["semantic", "hybrid"] as const)
      expect(new Set(await textsOf({ method, filter, top_k: 5 }))).toEqual(new Set(texts));
  });
});

describe("the searched knowledge base", () => {
  test("a search never returns passages of another knowledge base", async () => {
    const other = await createUser({ database });
    const theirs = await insertBase(database, other.id, { 7: [{ text: "The Rhine is theirs." }] });
    expect(await textsOf({}, theirs)).toEqual(["The Rhine is theirs."]);
    expect((await textsOf({ top_k: 20 })).toSorted()).toEqual([...rivers, ...bread].toSorted());
    expect(await search({}, { ...base, user_id: other.id })).toEqual([]);
  });

  test("a search with another model, or without a build, returns nothing", async () => {
    expect(await search({ method: "keyword" }, { ...base, embedding_model: "workers-ai/@cf/baai/bge-small-en-v1.5" })).toEqual(
      [],
    );
    const empty = await insertBase(database, me.id);
    expect(await search({}, empty)).toEqual([]);
  });

  test("the database refuses a vector with other dimensions, or with wrong declared ones", async () => {
    const wrong = (dimensions: number, embedding: string) =>
      database.sql(
        `insert into knowledge_chunks (part_id, position, text, source, start, "end", kind, content_hash, dimensions, embedding)
         select part_id, 1000, 'x', 'x', 0, 1, 'text', 'x', $1, $2::vector from knowledge_chunks limit 1`,
        [dimensions, embedding],
      );
    await expect(wrong(3, "[1,2,3]")).rejects.toThrow('"knowledge_chunk_dimensions"');
    await expect(wrong(384, "[1,2,3]")).rejects.toThrow("knowledge_chunk_dimensions_true");
  });
});

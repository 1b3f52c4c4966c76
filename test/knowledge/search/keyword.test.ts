import { beforeAll, describe, expect, test } from "vitest";
import { retrievePassages, type Filter, type KnowledgeBaseRef } from "../../../src/knowledge/search/retrieve.ts";
import { createUser } from "../../support/users.ts";
import { hardTexts } from "../../support/arbitrary-text.ts";
import { useServiceHarness } from "../../support/service-harness.ts";
import { insertBase, type GivenChunk } from "../support/knowledge-bases.ts";
import { keywordCases, passages, type PassageName } from "../support/keyword-corpus.ts";

const harness = useServiceHarness({ lifetime: "file" });
let userId: number;

beforeAll(async () => {
  userId = (await createUser(harness)).id;
});

const find = (base: KnowledgeBaseRef, query: string, given: { top_k?: number; threshold?: number; filter?: Filter } = {}) =>
  retrievePassages(harness.ctx, base, { query, top_k: 10, method: "keyword", ...given });
const sourcesOf = async (...search: Parameters<typeof find>) => (await find(...search)).map(({ source }) => source);

const chunksOf = (texts: Readonly<Record<string, string>>): GivenChunk[] =>
  Object.entries(texts).map(([source, text]) => ({ text, source }));

describe("a keyword search", () => {
  let base: KnowledgeBaseRef;
  beforeAll(async () => {
    base = await insertBase(harness.database, userId, { 1: chunksOf(passages) });
  });

  test("the table has at least 60 cases", () => {
    expect(keywordCases.length).toBeGreaterThanOrEqual(60);
  });

  test.each(keywordCases.map(([kind, query, name]) => ({ kind, shown: query.slice(0, 40), query, name })))(
    "$kind: “$shown” finds $name first",
    async ({ query, name }) => {
      const [best] = await find(base, query);
      expect(best).toMatchObject({ source: name, text: passages[name] });
      expect(best!.score).toBeGreaterThan(0);
      expect(best!.score).toBeLessThanOrEqual(1);
    },
  );

  test("no text makes a search fail", async () => {
    for (const query of hardTexts) await expect(find(base, query), query).resolves.toBeDefined();
  });

  test("a search for a word that no passage has finds nothing", async () => {
    expect(await find(base, "xylophone")).toEqual([]);
    expect(await find(base, "東西")).toEqual([]);
  });

  test("passages below the threshold are left out", async () => {
    const found = await find(base, "unpaid invoice reminded");
    expect(found.length).toBeGreaterThan(0);
    const [best] = found;
    expect(await sourcesOf(base, "unpaid invoice reminded", { threshold: best!.score - 0.01 })).toEqual(["invoice"]);
    expect(await find(base, "unpaid invoice reminded", { threshold: best!.score + 0.01 })).toEqual([]);
  });
});

describe("the ranking", () => {
  const many = (count: number, text: string) =>
    Array.from({ length: count }, (_, row) => ({ text: `${text} ${row}`, source: `many ${row}` }));

  test("a rare word counts more than a frequent one", async () => {
    const base = await insertBase(harness.database, userId, {
      1: [...many(50, "The river is wide and long."), { text: "The otter sleeps in the grass.", source: "rare" }],
    });
    expect((await sourcesOf(base, "river otter"))[0]).toBe("rare");
  });

  test("a word in a heading counts more than one in the text, and a short passage more than a long one", async () => {
    const base = await insertBase(harness.database, userId, {
      1: [
        { text: "Otters sleep on their backs in the water.", source: "text" },
        { text: "They sleep on their backs in the water.", heading: "Otters", source: "heading" },
        { text: `Otters sleep on their backs. ${"Beavers build dams from branches and mud. ".repeat(12)}`, source: "long" },
      ],
    });
    expect(await sourcesOf(base, "otter")).toEqual(["heading", "text", "long"]);
  });

  test("the terms of several parts are counted together", async () => {
    const base = await insertBase(harness.database, userId, {
      1: [...many(30, "The river is wide."), { text: "A heron stands in the river.", source: "heron" }],
      2: [...many(30, "The heron is grey."), { text: "An otter meets a heron.", source: "otter" }],
    });
    expect((await sourcesOf(base, "otter heron river"))[0]).toBe("otter");
    expect(await sourcesOf(base, "river", { filter: { dataset_ids: [2] } })).toEqual([]);
  });

  test("a filter applies before the best passages are chosen", async () => {
    const base = await insertBase(harness.database, userId, {
      1: [
        ...Array.from({ length: 300 }, (_, row) => ({
          text: "otter otter otter",
          source: `a ${row}`,
          kind: "text",
          fields: { row },
        })),
        {
          text: "Far down in the list, there is one more otter, which few people ever see.",
          source: "last",
          kind: "note",
          fields: { row: 999 },
        },
      ],
    });
    expect(await sourcesOf(base, "otter", { filter: { kinds: ["note"] } })).toEqual(["last"]);
    expect(await sourcesOf(base, "otter", { filter: { fields: { row: 999 } } })).toEqual(["last"]);
    expect(await sourcesOf(base, "otter", { filter: { sources: ["last", "a 5"] } })).toEqual(["a 5", "last"]);
  });
});

describe("parts without postings", () => {
  const texts = { invoice: passages.invoice, notice: passages.notice } satisfies Partial<Record<PassageName, string>>;

  test("they are searched by their words as before", async () => {
    const base = await insertBase(harness.database, userId, { 1: chunksOf(texts) }, { older: [1] });
    expect(await sourcesOf(base, "unpaid invoices")).toEqual(["invoice"]);
    expect(await sourcesOf(base, "tenants")).toEqual(["notice"]);
    expect(await sourcesOf(base, "invoices", { filter: { sources: ["notice"] } })).toEqual([]);
  });

  test("a search ranks them fairly among the others", async () => {
    const base = await insertBase(
      harness.database,
      userId,
      {
        1: [
          { text: passages.invoice, source: "older" },
          { text: passages.notice, source: "older notice" },
        ],
        2: [
          { text: "An invoice may be paid late.", source: "newer" },
          { text: "Unpaid invoices are reminded after fourteen days.", source: "newer best" },
          { text: passages.deposit, source: "newer deposit" },
        ],
      },
      { older: [1] },
    );
    const found = await find(base, "unpaid invoices reminded");
    expect(found.map(({ source }) => source)).toEqual(["newer best", "older", "newer"]);
    expect((await sourcesOf(base, "landlord"))[0]).toBe("older notice");
    for (const { score } of found) expect(score).toBeLessThanOrEqual(1);
  });
});

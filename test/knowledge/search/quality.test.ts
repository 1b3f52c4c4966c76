import { beforeAll, describe, expect, test } from "vitest";
import type { RetrievalMethod } from "../../../src/knowledge/constants.ts";
import { searchBase } from "../../../src/knowledge/search/query.ts";
import { retrievePassages, searchRow, type Filter, type KnowledgeBaseRef } from "../../../src/knowledge/search/retrieve.ts";
import { mean, ndcgAt, recallAt } from "../../../src/knowledge/search/metrics.ts";
import { questions } from "../../models/support/questions.ts";
import { createUser } from "../../support/users.ts";
import { seededRandom } from "../../support/random.ts";
import { useServiceHarness } from "../../support/service-harness.ts";
import { insertBase, type GivenChunk } from "../support/knowledge-bases.ts";

const harness = useServiceHarness({ lifetime: "file" });
let userId: number;

beforeAll(async () => {
  userId = (await createUser(harness)).id;
});

describe("paraphrased questions with built-in embeddings", () => {
  let base: KnowledgeBaseRef;
  beforeAll(async () => {
    base = await insertBase(harness.database, userId, { 1: questions.map(({ passage }) => ({ text: passage })) });
  });

  async function measure(method: RetrievalMethod) {
    const queries = questions.map(({ question }) => ({ query: question, top_k: 10, method }));
    const found = await searchBase(harness.ctx, userId, base.id, queries);
    const ranked = found.map(({ passages }) => passages.map(({ text }) => text));
    const over = (judge: typeof recallAt) => mean(ranked.map((texts, own) => judge(10, texts, [questions[own]!.passage])));
    return { ndcg: over(ndcgAt), recall: over(recallAt) };
  }

  test("they find their passages, and hybrid search is at least as good as the better single method", async () => {
    // One after the other: each is one commit, whose time is limited.
    const [semantic, keyword, hybrid] = [await measure("semantic"), await measure("keyword"), await measure("hybrid")];
    expect(hybrid.recall).toBeGreaterThanOrEqual(0.95);
    expect(hybrid.ndcg).toBeGreaterThanOrEqual(Math.max(semantic.ndcg, keyword.ndcg));
    expect(Math.min(semantic.ndcg, keyword.ndcg)).toBeGreaterThan(0.85);
  });
});

describe("a large knowledge base", () => {
  const dimensions = 384;
  let base: KnowledgeBaseRef;
  let chunks: GivenChunk[];

  beforeAll(async () => {
    const random = seededRandom(7);
    chunks = Array.from({ length: 1_000 }, (_, row) => ({
      text: `chunk ${row}`,
      source: `${row % 100}.md`,
      embedding: Array.from({ length: dimensions }, () => random() - 0.5),
    }));
    base = await insertBase(harness.database, userId, { 1: chunks });
    await harness.database.sql(
      "update knowledge_parts set chunk_count = 30000, analyzed_count = 30000 where knowledge_base_id = $1",
      [base.id],
    );
  });

  const find = (query: string, top_k: number, filter?: Filter) =>
    retrievePassages(harness.ctx, base, { query, top_k, method: "semantic", filter });

  test.each([1, 10, 20])("a search finds %i passages by its index, and none of another knowledge base", async (top_k) => {
    await insertBase(harness.database, userId, { 1: [{ text: "this question" }] });
    const found = await find("this question", top_k);
    expect(found).toHaveLength(top_k);
    expect(found.every(({ text }) => text.startsWith("chunk "))).toBe(true);
    expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).toSorted((a, b) => b - a));
  });

  test("a narrow filter finds all its matches by a full scan", async () => {
    const found = await find("this question", 20, { sources: ["42.md"] });
    expect(new Set(found.map(({ text }) => text))).toEqual(
      new Set(chunks.filter(({ source }) => source === "42.md").map(({ text }) => text)),
    );
  });

  test("a search uses the index of its dimensions", async () => {
    const question = { query: "this question", top_k: 10, method: "semantic" } as const;
    const { sql, params } = searchRow(harness.ctx, base, question, chunks[0]!.embedding, []).getQuery();
    const plan = await harness.database.sql(`explain ${sql}`, params);
    expect(JSON.stringify(plan)).toMatch(/Index Scan using knowledge_chunks_by_vector_384/);
  });
});

import { beforeAll, describe, expect, test } from "vitest";
import { evaluateBase } from "../../../src/knowledge/search/evaluate.ts";
import type { RetrievalMethod } from "../../../src/knowledge/constants.ts";
import type { KnowledgeBaseRef } from "../../../src/knowledge/search/retrieve.ts";
import { createUser } from "../../support/users.ts";
import { indexRows, readCorpus, readQuestions, type CorpusQuestion } from "../support/corpus.ts";
import { useServiceHarness } from "../../support/service-harness.ts";
import { insertBase, type GivenChunk } from "../support/knowledge-bases.ts";

const harness = useServiceHarness({ lifetime: "file" });

/** The documents are of 1653 for the most part, and spelled as they were; the questions are of today, in words of their own. */
describe("questions about a corpus of documents with built-in embeddings", () => {
  let questions: CorpusQuestion[];
  let texts: { source: string; text: string }[];
  let chunks: GivenChunk[];
  let base: KnowledgeBaseRef;

  beforeAll(async () => {
    const rows = await readCorpus();
    texts = rows;
    chunks = await indexRows(rows);
    questions = await readQuestions();
    base = await insertBase(harness.database, (await createUser(harness)).id, { 1: chunks });
  });

  async function measure(method: RetrievalMethod) {
    const cases = questions.map(({ question, quote }) => ({ question, relevant: [{ text: quote }] }));
    return await evaluateBase(harness.ctx, base.user_id, base.id, { questions: cases, method, count: cases.length });
  }

  test("the corpus is large, and each expected quote occurs in exactly one chunk", () => {
    expect(texts.reduce((sum, { text }) => sum + text.length, 0)).toBeGreaterThan(200_000);
    expect(questions.length).toBeGreaterThanOrEqual(60);
    const astray = questions.filter(({ document, quote }) => {
      const [first, ...others] = texts.filter(({ text }) => text.includes(quote));
      const isOnce = first !== undefined && others.length === 0 && first.text.split(quote).length === 2;
      return !isOnce || !first.source.startsWith(document) || !chunks.some(({ text }) => text.includes(quote));
    });
    expect(astray).toEqual([]);
  });

  test("they find their passages in the first ten, and hybrid search is at least as good as the better single method", async () => {
    // One after the other: each is one commit, whose time is limited.
    const { metrics: semantic } = await measure("semantic");
    const { metrics: keyword } = await measure("keyword");
    const { metrics: hybrid } = await measure("hybrid");
    console.table({ semantic, keyword, hybrid });
    expect(hybrid.recall_at_10).toBeGreaterThanOrEqual(0.9);
    expect(hybrid.ndcg_at_10).toBeGreaterThanOrEqual(Math.max(semantic.ndcg_at_10, keyword.ndcg_at_10));
  });
});

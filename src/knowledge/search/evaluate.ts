import { sql } from "drizzle-orm";
import { mapLimited } from "../../kit/async/map-limited.ts";
import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import { createLlmHelper, questionFor } from "./llm-assist.ts";
import { saveUsageInBackground } from "../model-usage.ts";
import { searchBase } from "./query.ts";
import type { Retrieved } from "./retrieve.ts";
import { mean, ndcgAt, percentile, recallAt, reciprocalRankAt } from "./metrics.ts";
import type { EvaluateBody, Relevant } from "../schemas.ts";
import { knowledgeBases, knowledgeBuildParts, knowledgeChunks, knowledgeParts } from "../tables.ts";

type Question = { question: string; relevant: Relevant[] };

/** The number of passages to evaluate per question. */
const depth = 10;

/** The number of concurrent calls: an invocation has six connections, and Postgres uses one. */
const concurrency = 5;

/**
 * Evaluates the retrieval of a knowledge base with the user's questions, in one Postgres round trip (see `searchBase`), or with
 * questions that a model generates. Each generated question comes from one passage, and only that passage counts as relevant. This
 * raises the result, because the question resembles its passage, and lowers it, because other passages may answer it too.
 * @throws not_found; conflict for a base without chunks to generate questions from; validation_failed; ProviderError
 */
export async function evaluateBase(
  ctx: Ctx,
  userId: number,
  baseId: number,
  { questions: own, model, count, method }: EvaluateBody,
) {
  const questions = own ?? (await generateQuestions(ctx, userId, baseId, model!, count));
  const queries = questions.map(({ question }) => ({ query: question, top_k: depth, method }));
  const found = await searchBase(ctx, userId, baseId, queries);
  const judged = questions.map(({ question, relevant }, index) => {
    const { passages, ms } = found[index]!;
    const wanted = relevant.map((_, item) => `wanted ${item}`);
    const ranked = rank(passages, relevant);
    return { question, passages, ms, ranked, wanted };
  });
  const over = (measure: (k: number, ranked: readonly string[], wanted: readonly string[]) => number, k: number) =>
    mean(judged.map(({ ranked, wanted }) => measure(k, ranked, wanted)));
  const latencies = judged.map(({ ms }) => ms);
  return {
    metrics: {
      recall_at_1: over(recallAt, 1),
      recall_at_5: over(recallAt, 5),
      recall_at_10: over(recallAt, 10),
      mrr_at_10: over(reciprocalRankAt, 10),
      ndcg_at_10: over(ndcgAt, 10),
      latency_ms_p50: percentile(latencies, 0.5),
      latency_ms_p95: percentile(latencies, 0.95),
    },
    questions: judged.map(({ question, passages, ranked, wanted }) => ({
      question,
      recall_at_10: recallAt(depth, ranked, wanted),
      reciprocal_rank: reciprocalRankAt(depth, ranked, wanted),
      found: passages.map(({ source }) => source),
    })),
    total: judged.length,
    generated_by: own === undefined ? model! : null,
  };
}

/** Labels each passage with the first relevant item that it matches and that no earlier passage matched. */
function rank(passages: readonly Retrieved[], relevant: readonly Relevant[]): string[] {
  const open = new Set(relevant.keys());
  return passages.map((passage) => {
    const index = Array.from(open).find((each) => matches(relevant[each]!, passage));
    if (index === undefined) return `chunk ${passage.chunk_id}`;
    open.delete(index);
    return `wanted ${index}`;
  });
}

function matches({ source, text, chunk_id }: Relevant, passage: Retrieved): boolean {
  return (
    (source === undefined || passage.source === source) &&
    (text === undefined || passage.text.includes(text)) &&
    (chunk_id === undefined || passage.chunk_id === chunk_id)
  );
}

async function generateQuestions(ctx: Ctx, userId: number, baseId: number, model: string, count: number): Promise<Question[]> {
  const assistant = await createLlmHelper(ctx, userId, model);
  const chunks = await sampleChunks(ctx, userId, baseId, count);
  try {
    return await mapLimited(concurrency, chunks, async ({ chunk_id, text }) => ({
      question: await questionFor(assistant, text),
      relevant: [{ chunk_id }],
    }));
  } finally {
    saveUsageInBackground(ctx, assistant.usage());
  }
}

/** Samples chunks evenly from the active build. @throws not_found, conflict */
async function sampleChunks({ db }: Ctx, userId: number, baseId: number, count: number) {
  const { rows } = await db.execute<{ chunk_id: number | null; text: string }>(sql`
    with parts as (
      select p.id, sum(p.chunk_count) over () as total from ${knowledgeBases} b
        join ${knowledgeBuildParts} bp on bp.build_id = b.active_build_id join ${knowledgeParts} p on p.id = bp.part_id
      where b.id = ${baseId} and b.user_id = ${userId}
    )
    select c.chunk_id, c.text from ${knowledgeBases} b left join lateral (
      select c.id::float8 as chunk_id, c.text from ${knowledgeChunks} c join parts on parts.id = c.part_id
      where c.position % greatest(1, (parts.total / ${count}::int)::int) = 0 limit ${count}
    ) c on true
    where b.id = ${baseId} and b.user_id = ${userId}`);
  if (rows.length === 0) throw new AppError("not_found", "You have no knowledge base with this ID.");
  const chunks = rows.flatMap(({ chunk_id, text }) => (chunk_id === null ? [] : [{ chunk_id, text }]));
  if (chunks.length === 0)
    throw new AppError("conflict", "This knowledge base has no chunks to generate questions from. Index a dataset first.");
  return chunks;
}

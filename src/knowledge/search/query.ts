import { builtinDefaults } from "../../models/providers/defaults.ts";
import { sql } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type { Ctx } from "../../context.ts";
import { commit } from "../../kit/db/commit.ts";
import { toAppError } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { expandQuery, createLlmHelper, rerankPassages } from "./llm-assist.ts";
import { saveUsageInBackground } from "../model-usage.ts";
import { termsFor } from "./keyword.ts";
import { scanSettings, searchRow, vectorsFor, type KnowledgeBaseRef, type Question, type Retrieved } from "./retrieve.ts";
import { ownKnowledgeBase } from "../queries.ts";
import type { QueryBody } from "../schemas.ts";
import { knowledgeBases } from "../tables.ts";

const { id, user_id, embedding_model, dimensions } = knowledgeBases;

/** Caches the embedding models of knowledge bases in this isolate; they are immutable. */
const pinned = new LRUCache<number, KnowledgeBaseRef>({ max: 1_000 });

/** The passages of a question and the search time of Postgres, in ms. */
export type Found = { passages: Retrieved[]; ms: number };

/**
 * Searches a knowledge base of a user. One Postgres round trip for all questions if the embedding model is the built-in one, or is
 * cached and needs no key. Otherwise one more, and another for the key.
 * @throws not_found; ProviderError if the embedding model fails
 */
export async function searchBase(ctx: Ctx, userId: number, baseId: number, questions: readonly Question[]): Promise<Found[]> {
  const known = pinned.get(baseId);
  const guess =
    known?.user_id === userId
      ? known
      : { id: baseId, user_id: userId, embedding_model: builtinDefaults.embedding, dimensions: null };
  const { base, found } = await searchWithModel(ctx, guess, questions);
  if (base === undefined) throw new AppError("not_found", "You have no knowledge base with this ID.");
  pinned.set(baseId, base);
  return base.embedding_model === guess.embedding_model ? found : (await searchWithModel(ctx, base, questions)).found;
}

/** Searches a base with an assumed embedding model. If the assumption is wrong, nothing is found. */
async function searchWithModel(ctx: Ctx, base: KnowledgeBaseRef, questions: readonly Question[]) {
  const terms = await termsFor(questions);
  const { vectors, usage } = await vectorsFor(ctx, base, questions);
  const clock = () => ctx.db.execute<{ ms: number }>(sql`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`);
  const [[row], , ...results] = await commit(ctx, [
    ctx.db
      .select({ id, user_id, embedding_model, dimensions })
      .from(knowledgeBases)
      .where(ownKnowledgeBase(base.user_id, base.id)),
    scanSettings(ctx),
    ...questions.flatMap((question, index) => [clock(), searchRow(ctx, base, question, vectors[index], terms[index]!)]),
    clock(),
    ...usage,
  ]);
  const rowsAt = (index: number) => (results[index] as { rows: unknown[] }).rows;
  const msAt = (index: number) => (rowsAt(index) as { ms: number }[])[0]!.ms;
  const found = questions.map((_, index) => ({
    passages: rowsAt(2 * index + 1) as Retrieved[],
    ms: msAt(2 * index + 2) - msAt(2 * index),
  }));
  return { base: row, found };
}

/** The maximum number of passages to rerank. */
const rerankedAtMost = 20;

/**
 * Finds the best passages for a query. If the helper model fails, the result has a warning and the passages found without it.
 * @throws not_found; validation_failed if `model` is not a language model; ProviderError if the embedding model fails
 */
export async function queryBase(ctx: Ctx, userId: number, baseId: number, body: QueryBody) {
  const { query, top_k, method, threshold, filter, model, expand, rerank } = body;
  const assistant = model === undefined || !(expand || rerank) ? undefined : await createLlmHelper(ctx, userId, model);
  const warnings: string[] = [];
  const helped = async <T>(help: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await help();
    } catch (error) {
      const failure = toAppError(error, ctx.constraintErrors);
      if (failure === undefined) throw error;
      warnings.push(failure.message);
      return otherwise;
    }
  };
  const expanded = assistant !== undefined && expand ? await helped(() => expandQuery(assistant, query), query) : query;
  const most = rerank ? rerankedAtMost : top_k;
  const [found] = await searchBase(ctx, userId, baseId, [{ query: expanded, top_k: most, method, threshold, filter }]);
  const { passages } = found!;
  const ordered =
    assistant !== undefined && rerank ? await helped(() => rerankPassages(assistant, query, passages), passages) : passages;
  if (assistant !== undefined) saveUsageInBackground(ctx, assistant.usage());
  return { passages: ordered.slice(0, top_k), warnings };
}

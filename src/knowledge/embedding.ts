import type { Ctx } from "../context.ts";
import { commit, type Statement } from "../kit/db.ts";
import { AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { settingsFor } from "../models/egress.ts";
import { gatewayEmbeddingModel } from "../models/gateway.ts";
import { openProvider, parseModelReference } from "../models/registry.ts";
import { callableModel, keyRows, type Callable } from "../models/testing.ts";
import { usageRow } from "../models/usage-rows.ts";
import type { UsageRecord } from "../models/usage.ts";

/** By which model something is embedded, and for whom. */
export type EmbeddedBy = {
  user_id: number;
  /** `provider/model`, or the number of a model of the user's. */
  embedding_model: string;
  /** Null until the model has said. */
  dimensions: number | null;
};

export type Vector = readonly number[];

export type Embedder = {
  /** The vectors of texts, in their order. @throws ProviderError; provider_refused for vectors of another length than before */
  embed(texts: readonly string[]): Promise<Vector[]>;
  /** The statements that keep what the calls so far used, each once. */
  usage(): Statement[];
};

export const builtinModel = "builtin/hashing-384";
/** Where Workers AI is bound, it embeds unless another model is named. */
export const boundModel = "workers-ai/@cf/baai/bge-base-en-v1.5";

/** How many texts go into one call, where the model takes more. */
const perCall = 64;

/** The model of a knowledge base, ready to be called. A model of the user's costs one round trip, for its key. @throws not_found, provider_not_configured */
export async function openEmbedder(ctx: Ctx, { user_id, embedding_model, dimensions }: EmbeddedBy): Promise<Embedder> {
  const { provider, modelId, settings, row } = await callableOf(ctx, user_id, embedding_model);
  const rows: Statement[] = [];
  let isRejected = false;
  const keep = (record: UsageRecord) => {
    // What is computed here costs nobody anything.
    if (provider === "builtin") return;
    rows.push(usageRow(ctx, record, { userId: user_id, purpose: "knowledge", externalModelId: row?.id ?? null }));
  };
  const model = gatewayEmbeddingModel(
    { provider, modelId, open: async () => (await openProvider(provider)).embeddingModel(modelId, settings) },
    { callMs: 60_000, onUsage: keep, onBadKey: () => (isRejected = true) },
  );
  let length = dimensions;
  return {
    async embed(texts) {
      const vectors: Vector[] = [];
      const most = Math.min(perCall, (await model.maxEmbeddingsPerCall) ?? perCall);
      for (let from = 0; from < texts.length; from += most) {
        const values = texts.slice(from, from + most);
        const { embeddings } = await model.doEmbed({ values });
        if (embeddings.length !== values.length) throw strange(`${embeddings.length} vectors for ${values.length} texts`);
        vectors.push(...embeddings);
      }
      for (const vector of vectors) {
        length ??= vector.length;
        if (vector.length !== length) throw strange(`a vector of ${vector.length} numbers, and not of ${length}`);
      }
      return vectors;
    },
    usage() {
      const kept = rows.splice(0);
      return isRejected ? [...kept, ...keyRows(ctx, user_id, row, true)] : kept;
    },
  };
}

/** Keeps what a call used that failed, behind the reply: nothing else is committed. */
export function keepBehind(ctx: Ctx, [first, ...rest]: Statement[]): void {
  if (first === undefined) return;
  const behind = ctx.behind();
  const write = commit(behind, [first, ...rest]).catch((error: unknown) =>
    log("warn", "What a call to an embedding model used was not written.", { request_id: ctx.requestId, error }),
  );
  ctx.defer(write);
}

function strange(what: string): AppError {
  return new AppError("provider_refused", `The embedding model answered with ${what}.`);
}

async function callableOf(ctx: Ctx, userId: number, model: string): Promise<Callable> {
  const reference = parseModelReference(model);
  if (reference === undefined) return callableModel(ctx, userId, Number(model));
  return { ...reference, settings: settingsFor(ctx, {}), row: undefined };
}

import type { Ctx } from "../../context.ts";
import type { Statement } from "../../kit/db/commit.ts";
import { AppError } from "../../kit/errors.ts";
import { providerErrors } from "../../models/errors.ts";
import { gatewayEmbeddingModel } from "../../models/gateway/gateway.ts";
import { openProvider, parseModelReference } from "../../models/providers/registry.ts";
import { maxDimensions } from "../constants.ts";
import { resolveModel, collectUsage } from "../model-usage.ts";

/** The embedding model of a knowledge base and its owner. */
export type EmbeddedBy = {
  user_id: number;
  /** `provider/model`, or the ID of a model of the user. */
  embedding_model: string;
  /** Null until the first embedding. */
  dimensions: number | null;
};

export type Vector = readonly number[];

export type Embedder = {
  /** Embeds texts and returns the vectors in the same order. @throws ProviderError; provider_refused if the length of the vectors is wrong */
  embed(texts: readonly string[]): Promise<Vector[]>;
  /** Returns the statements that store the usage of the calls so far, each once. */
  usage(): Statement[];
};

/** The maximum number of texts per call, if the model allows more. */
const perCall = 64;

/** Opens the embedding model of a knowledge base. A user's own model costs one round trip, for its key. @throws not_found, provider_not_configured */
export async function openEmbedder(ctx: Ctx, { user_id, embedding_model, dimensions }: EmbeddedBy): Promise<Embedder> {
  const callable = await resolveModel(ctx, user_id, parseModelReference(embedding_model) ?? { id: Number(embedding_model) });
  const { modelId, settings } = callable;
  const provider = openProvider(callable.provider);
  const { options, usage } = collectUsage(ctx, user_id, callable);
  const open = async () => provider.embeddingModel(modelId, settings);
  const model = gatewayEmbeddingModel({ provider, modelId, open }, { callMs: 60_000, ...options });
  let length = dimensions;
  return {
    usage,
    async embed(texts) {
      const vectors: Vector[] = [];
      const most = Math.min(perCall, (await model.maxEmbeddingsPerCall) ?? perCall);
      for (let from = 0; from < texts.length; from += most) {
        const values = texts.slice(from, from + most);
        vectors.push(...(await model.doEmbed({ values })).embeddings);
      }
      for (const vector of vectors) {
        if (vector.length > maxDimensions)
          throw unexpectedVectors(`a vector of ${vector.length} numbers. The maximum is ${maxDimensions}`);
        length ??= vector.length;
        if (vector.length !== length) throw unexpectedVectors(`a vector of ${vector.length} numbers instead of ${length}`);
      }
      return vectors;
    },
  };
}

function unexpectedVectors(what: string): AppError {
  return new AppError(providerErrors.provider_refused, `The embedding model returned ${what}.`);
}

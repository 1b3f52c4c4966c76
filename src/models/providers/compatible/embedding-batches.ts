import type { EmbeddingModelV4, EmbeddingModelV4CallOptions, EmbeddingModelV4Result } from "@ai-sdk/provider";
import type { ProviderIdentity, Quirks } from "../../constants.ts";
import { contextOverflowIn } from "../../vendor-errors/context-overflow.ts";
import { ProviderError } from "../../gateway/errors.ts";
import { embeddingFault, toCount } from "../../gateway/provider-numbers.ts";
import { readVendorError } from "../../vendor-errors/read-error.ts";
import { unmatchedEmbeddings } from "./compatible-fetch.ts";

/** What servers say about too many texts: TEI, DashScope, Mistral, Cohere, Google, Voyage, vLLM. */
const batchWords =
  /\bbatch|too many (?:inputs|texts|items|documents|values)|(?:inputs?|texts|array|list)\b[^.\n]{0,60}(?:at most|maximum|max\b|no more than|exceed|too (?:long|large|many)|limit)|(?:at most|maximum of|up to|exceeds? the limit of) \d+ (?:inputs|texts|items|elements|requests)/i;

/** Where they name the limit. */
const batchLimits = [
  /(?:batch size|batch)[^.\n]{0,60}(?:larger than|more than|exceed|at most|[<>]=?|limit of|maximum of|is|of)\s*(\d+)(?!\S*\d)/i,
  /(?:at most|no more than|larger than|more than|maximum of|max(?:imum)?(?: allowed)?(?: batch size)?(?: of| is|:)?|limit(?: of| is|:)?|up to)\s*(\d+)/i,
];

/**
 * An embedding model whose batches are split if the server takes fewer texts at once. Each part is checked, so that texts and vectors
 * stay together.
 */
export function withEmbeddingBatches(
  model: EmbeddingModelV4,
  provider: ProviderIdentity,
  { quirks = {}, onQuirks }: { quirks?: Quirks | undefined; onQuirks?: ((found: Quirks) => void) | undefined },
): EmbeddingModelV4 {
  const { specificationVersion, modelId, maxEmbeddingsPerCall, supportsParallelCalls } = model;
  let most = quirks.max_embedding_batch ?? Infinity;
  async function embedAll(options: EmbeddingModelV4CallOptions): Promise<EmbeddingModelV4Result> {
    const { values } = options;
    const results: EmbeddingModelV4Result[] = [];
    let isNew = false;
    for (let from = 0; from < values.length;) {
      const part = values.slice(from, from + most);
      try {
        const result = await model.doEmbed({ ...options, values: part });
        const fault = embeddingFault(result.embeddings, part.length);
        if (fault !== undefined)
          throw new ProviderError("refused", provider, { detail: `${provider.display_name} returned ${fault}.` });
        results.push(result);
        from += part.length;
      } catch (cause) {
        const limit = part.length > 1 ? batchLimitIn(cause, part.length) : undefined;
        if (limit === undefined) throw cause;
        most = limit;
        isNew = true;
      }
    }
    if (isNew) onQuirks?.({ max_embedding_batch: most });
    return joined(results);
  }
  return {
    specificationVersion,
    provider: model.provider,
    modelId,
    maxEmbeddingsPerCall,
    supportsParallelCalls,
    doEmbed: (options) => (options.values.length === 0 ? model.doEmbed(options) : embedAll(options)),
  };
}

function joined(results: readonly EmbeddingModelV4Result[]): EmbeddingModelV4Result {
  const [first, ...others] = results as [EmbeddingModelV4Result, ...EmbeddingModelV4Result[]];
  if (others.length === 0) return first;
  const tokens = results.map(({ usage }) => toCount(usage?.tokens));
  const { usage: _, ...rest } = first;
  return {
    ...rest,
    embeddings: results.flatMap(({ embeddings }) => embeddings),
    // A part without a count makes the sum unknown.
    ...(tokens.every((count) => count !== undefined)
      ? { usage: { tokens: tokens.reduce((sum, count) => sum + count, 0) } }
      : {}),
  };
}

/** The number of texts to send at once after an error; undefined if the error is not about their number. */
function batchLimitIn(cause: unknown, sent: number): number | undefined {
  const { statusCode, responseBody } = (typeof cause === "object" && cause !== null ? cause : {}) as Record<string, unknown>;
  const half = Math.ceil(sent / 2);
  if (typeof statusCode !== "number" || ![400, 413, 422, 500].includes(statusCode)) return undefined;
  const error = readVendorError(typeof responseBody === "string" ? responseBody : "");
  if (error.codes.includes(unmatchedEmbeddings)) return 1;
  if (/rate limit|per minute/i.test(error.words)) return undefined;
  const isBatch = statusCode === 413 || (batchWords.test(error.words) && contextOverflowIn(error) === undefined);
  if (!isBatch) return undefined;
  const named = batchLimits
    .map((pattern) => toCount(pattern.exec(error.words)?.[1]))
    .find((limit) => limit !== undefined && limit >= 1 && limit < sent);
  return named ?? half;
}

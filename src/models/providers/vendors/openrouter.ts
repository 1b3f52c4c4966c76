import * as z from "zod";
import { fetchProviderJson, listOf } from "../list-models.ts";
import { microDollars } from "../parse-price.ts";
import { httpProvider } from "../sdk-provider.ts";

/** Prices in dollars per token, as a decimal; negative if the price depends on the provider that answers. */
const Priced = z.object({
  data: listOf(
    z.object({
      id: z.string(),
      expiration_date: z.iso.date().nullish().catch(null),
      pricing: z.object({
        prompt: z.string(),
        completion: z.string(),
        input_cache_read: z.string().nullish(),
        input_cache_write: z.string().nullish(),
      }),
    }),
  ),
});

/** https://openrouter.ai/docs */
export const openrouter = httpProvider({
  name: "openrouter",
  display_name: "OpenRouter",
  icon: "🔀",
  color: "#6566f1",
  base_url: "https://openrouter.ai/api/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: false,
  has_public_model_list: true,
  // It has hundreds of models and a public list.
  models: [],
  async listPrices(connection) {
    const url = `${connection.baseURL}/models`;
    const { data } = await fetchProviderJson(connection, url, Priced, {});
    return data.flatMap(({ id, expiration_date, pricing }) => {
      const [input, output] = [microDollars(pricing.prompt, 1e12), microDollars(pricing.completion, 1e12)];
      if (input === null || output === null) return [];
      return {
        model_id: id,
        input,
        output,
        cache_read: microDollars(pricing.input_cache_read, 1e12),
        cache_write: microDollars(pricing.input_cache_write, 1e12),
        shutdown_on: expiration_date ?? null,
        source: url,
      };
    });
  },
  async open(connection) {
    const { createOpenRouter } = await import("@openrouter/ai-sdk-provider");
    // `strict` is for OpenRouter itself, which reports the tokens of a stream.
    const sdk = createOpenRouter({ ...connection, compatibility: "strict" });
    return {
      languageModel: (modelId) => sdk.chat(modelId),
      embeddingModel: (modelId) => sdk.textEmbeddingModel(modelId),
    };
  },
});

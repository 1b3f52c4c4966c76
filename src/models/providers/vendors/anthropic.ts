import * as z from "zod";
import { fetchProviderJson, summarize } from "../list-models.ts";
import { embeddingsUnsupported, httpProvider } from "../sdk-provider.ts";

const Listing = z.object({
  data: z.array(z.object({ id: z.string(), display_name: z.string(), max_input_tokens: z.number().nullish().catch(null) })),
});

/** https://platform.claude.com/docs/en/api */
export const anthropic = httpProvider({
  name: "anthropic",
  display_name: "Anthropic",
  icon: "✴️",
  color: "#d97757",
  base_url: "https://api.anthropic.com/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: false,
  supports_fine_tuning: false,
  has_public_model_list: false,
  // As of 2026-10.
  models: ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"],
  async open(connection) {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    const sdk = createAnthropic(connection);
    return { languageModel: (modelId) => sdk.languageModel(modelId), embeddingModel: embeddingsUnsupported };
  },
  async list(connection) {
    const { data } = await fetchProviderJson(connection, `${connection.baseURL}/models?limit=1000`, Listing, {
      headers: { "x-api-key": connection.apiKey ?? "", "anthropic-version": "2023-06-01" },
    });
    return data.map(({ id, display_name, max_input_tokens }) =>
      summarize(connection.provider, {
        model_id: id,
        kind: "language",
        display_name,
        context_length: max_input_tokens ?? null,
        supports_tools: true,
      }),
    );
  },
});

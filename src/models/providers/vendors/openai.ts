import type { LanguageModelV4 } from "@ai-sdk/provider";
import { withTransformedOptions } from "../provider.ts";
import { httpProvider } from "../sdk-provider.ts";

/**
 * https://developers.openai.com/api/docs. It uses the Responses API, because in Chat Completions the newer models call tools only
 * without reasoning.
 */
export const openai = httpProvider({
  name: "openai",
  display_name: "OpenAI",
  icon: "🌀",
  color: "#10a37f",
  base_url: "https://api.openai.com/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: true,
  has_public_model_list: false,
  // As of 2026-11.
  models: ["gpt-6.2-sol", "gpt-6-luna", "text-embedding-3-small", "text-embedding-3-large"],
  async open(connection) {
    const { createOpenAI } = await import("@ai-sdk/openai");
    const sdk = createOpenAI(connection);
    return {
      languageModel: (modelId) => unstored(sdk.responses(modelId)),
      embeddingModel: (modelId) => sdk.embeddingModel(modelId),
    };
  },
});

/** Wraps a model so that OpenAI does not store its answers. By default, the Responses API stores them for 30 days. */
function unstored(model: LanguageModelV4): LanguageModelV4 {
  return withTransformedOptions(model, (options) => ({
    ...options,
    providerOptions: { ...options.providerOptions, openai: { store: false, ...options.providerOptions?.["openai"] } },
  }));
}

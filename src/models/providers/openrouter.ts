import { vendor } from "../vendor.ts";

/** https://openrouter.ai/docs */
export const openrouter = vendor({
  name: "openrouter",
  icon: "🔀",
  color: "#6566f1",
  base_url: "https://openrouter.ai/api/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: false,
  // It has hundreds, and lists them to anybody.
  models: [],
  async open(connection) {
    const { createOpenRouter } = await import("@openrouter/ai-sdk-provider");
    // Strict is OpenRouter itself, which counts the tokens of a stream.
    const sdk = createOpenRouter({ ...connection, compatibility: "strict" });
    return {
      languageModel: (modelId) => sdk.chat(modelId),
      embeddingModel: (modelId) => sdk.textEmbeddingModel(modelId),
    };
  },
});

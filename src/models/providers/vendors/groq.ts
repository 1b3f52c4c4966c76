import { embeddingsUnsupported, httpProvider } from "../sdk-provider.ts";

/** https://console.groq.com/docs */
export const groq = httpProvider({
  name: "groq",
  display_name: "Groq",
  icon: "⚡",
  color: "#f55036",
  base_url: "https://api.groq.com/openai/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: false,
  supports_fine_tuning: false,
  has_public_model_list: false,
  // As of 2026-07.
  models: ["openai/gpt-oss-120b", "openai/gpt-oss-20b", "llama-3.3-70b-versatile", "llama-3.1-8b-instant"],
  async open(connection) {
    const { createGroq } = await import("@ai-sdk/groq");
    const sdk = createGroq(connection);
    return { languageModel: (modelId) => sdk.languageModel(modelId), embeddingModel: embeddingsUnsupported };
  },
});

import { embeddingsUnsupported, httpProvider } from "../sdk-provider.ts";

/** https://platform.moonshot.ai/docs */
export const moonshotai = httpProvider({
  name: "moonshotai",
  display_name: "Moonshot AI",
  icon: "🌙",
  color: "#16191e",
  base_url: "https://api.moonshot.ai/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: false,
  supports_fine_tuning: false,
  sends_reasoning: true,
  has_public_model_list: false,
  // Its thinking models refuse tool calls without the reasoning before them.
  quirks: { reasoning_content: true },
  // As of 2026-07.
  models: ["kimi-k2.6", "kimi-k2.7-code"],
  async open(connection) {
    const { createMoonshotAI } = await import("@ai-sdk/moonshotai");
    const sdk = createMoonshotAI(connection);
    return { languageModel: (modelId) => sdk.languageModel(modelId), embeddingModel: embeddingsUnsupported };
  },
});

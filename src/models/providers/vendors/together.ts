import { httpProvider } from "../sdk-provider.ts";

/** https://docs.together.ai/reference */
export const together = httpProvider({
  name: "together",
  display_name: "Together AI",
  icon: "🤝",
  color: "#0f6fff",
  base_url: "https://api.together.xyz/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: true,
  sends_reasoning: true,
  has_public_model_list: false,
  // As of 2026-07.
  models: ["openai/gpt-oss-120b", "meta-llama/Llama-3.3-70B-Instruct-Turbo"],
  async open(connection) {
    const { createTogetherAI } = await import("@ai-sdk/togetherai");
    return createTogetherAI(connection);
  },
});

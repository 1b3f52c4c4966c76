import { httpProvider } from "../sdk-provider.ts";

/** https://docs.mistral.ai/api */
export const mistral = httpProvider({
  name: "mistral",
  display_name: "Mistral AI",
  icon: "🌬️",
  color: "#fa520f",
  base_url: "https://api.mistral.ai/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: true,
  has_public_model_list: false,
  // As of 2026-07.
  models: ["mistral-large-2512", "mistral-medium-2604", "mistral-small-2603", "mistral-embed"],
  async open(connection) {
    const { createMistral } = await import("@ai-sdk/mistral");
    return createMistral(connection);
  },
});

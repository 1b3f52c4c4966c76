import { httpProvider } from "../sdk-provider.ts";

/** Any server with OpenAI's Chat Completions API at a base URL, with or without a key. */
export const custom = httpProvider({
  name: "custom",
  display_name: "Custom (OpenAI-compatible)",
  icon: "🔌",
  color: "#6b7280",
  base_url: null,
  requires_api_key: false,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: false,
  sends_reasoning: true,
  has_public_model_list: false,
  models: [],
  async open(connection) {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    return createOpenAICompatible({ name: "custom", includeUsage: true, ...connection });
  },
});

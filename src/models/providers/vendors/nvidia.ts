import { httpProvider } from "../sdk-provider.ts";

/**
 * https://docs.api.nvidia.com/nim/reference: the NIM servers of NVIDIA, or one at a base URL. Embeddings are not supported, because
 * they require an `input_type` that the protocol does not have.
 */
export const nvidia = httpProvider({
  name: "nvidia",
  display_name: "NVIDIA NIM",
  icon: "🟩",
  color: "#76b900",
  base_url: "https://integrate.api.nvidia.com/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: false,
  supports_fine_tuning: false,
  sends_reasoning: true,
  has_public_model_list: true,
  // As of 2026-07.
  models: ["openai/gpt-oss-120b", "nvidia/nemotron-3-nano-30b-a3b"],
  async open(connection) {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    return createOpenAICompatible({ name: "nvidia", includeUsage: true, ...connection });
  },
});

import { vendor } from "../vendor.ts";

/**
 * https://huggingface.co/docs/inference-providers. Its router speaks OpenAI's Chat Completions; the SDK's own package for it
 * leaves the results of tools out of the conversation, so that no tool could be used.
 */
export const huggingface = vendor({
  name: "huggingface",
  icon: "🤗",
  color: "#ffd21e",
  base_url: "https://router.huggingface.co/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: false,
  supports_fine_tuning: false,
  // As of 2026-07.
  models: ["openai/gpt-oss-120b", "meta-llama/Llama-3.3-70B-Instruct"],
  async open(connection) {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    return createOpenAICompatible({ name: "huggingface", includeUsage: true, ...connection });
  },
});

import { ProviderError } from "../../gateway/errors.ts";
import { toCount } from "../../gateway/provider-numbers.ts";
import { kindByName, summarize } from "../list-models.ts";
import type { ProviderSettings } from "../provider.ts";
import { meteredEmbeddingModel, meteredModel } from "../../allowance/metered-model.ts";
import { sdkProvider } from "../sdk-provider.ts";

const unbound = "Workers AI is not available on this server: the configuration has no [ai] binding.";

const identity = { name: "workers-ai", display_name: "Cloudflare Workers AI" } as const;

/** https://developers.cloudflare.com/workers-ai, through the AI binding, without key or URL. The operator pays, within the allowance of each user. */
export const workersAi = sdkProvider({
  ...identity,
  icon: "🔶",
  color: "#f38020",
  base_url: null,
  requires_api_key: false,
  supports_streaming: true,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: false,
  has_public_model_list: true,
  // As of 2026-07.
  models: [
    "@cf/openai/gpt-oss-120b",
    "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
    "@cf/zai-org/glm-4.7-flash",
    "@cf/baai/bge-base-en-v1.5",
  ],
  unavailable: ({ ai }) => (ai === undefined ? unbound : null),
  describe(modelId) {
    const kind = kindByName(modelId);
    const display_name = modelId.split("/").at(-1)!;
    const supports_tools = kind === "language";
    return kind === undefined ? undefined : summarize(identity, { model_id: modelId, kind, display_name, supports_tools });
  },
  async open(settings) {
    const { createWorkersAI } = await import("workers-ai-provider");
    const sdk = createWorkersAI({ binding: bound(settings) });
    return {
      languageModel: (modelId) => meteredModel(sdk.chat(modelId), settings.allowance),
      embeddingModel: (modelId) => meteredEmbeddingModel(sdk.textEmbeddingModel(modelId), settings.allowance),
    };
  },
  async list(settings) {
    const models = await bound(settings).models({ per_page: 1000 });
    return models.flatMap(({ name, task, properties }) => {
      const property = (id: string) => properties.find(({ property_id }) => property_id === id)?.value;
      const kind = task.name === "Text Embeddings" ? "embedding" : kindByName(name);
      if (kind === undefined || !["Text Generation", "Text Embeddings"].includes(task.name)) return [];
      return summarize(identity, {
        model_id: name,
        kind,
        display_name: name.split("/").at(-1) ?? name,
        context_length: toCount(property("context_window")) || null,
        supports_tools: property("function_calling") === "true",
      });
    });
  },
});

function bound({ ai }: ProviderSettings): Ai {
  if (ai === undefined) throw new ProviderError("not_configured", identity, { detail: unbound });
  return ai;
}

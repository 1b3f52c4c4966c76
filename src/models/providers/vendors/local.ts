import { ProviderError } from "../../gateway/errors.ts";
import type { ModelSummary } from "../../constants.ts";
import { operatorFetch } from "../guarded-fetch.ts";
import { unknownModel, type ProviderSettings } from "../provider.ts";
import { sdkProvider } from "../sdk-provider.ts";

const identity = { name: "local", display_name: "Local embedding server" } as const;

const missing = "There is no local embedding server: EMBEDDINGS_URL is not set. `npm run dev` starts one.";

/** The model of the embedding server of `npm run dev`. */
const encoder: ModelSummary = {
  provider: identity.name,
  provider_display_name: identity.display_name,
  model_id: "universal-sentence-encoder",
  kind: "embedding",
  display_name: "Universal Sentence Encoder, English, 512 dimensions",
  parameters_billions: null,
  context_length: null,
  architecture: "transformer",
  capabilities: ["embedding"],
  supports_streaming: false,
  supports_tools: false,
};

/** The embedding server at `EMBEDDINGS_URL`, which speaks OpenAI's protocol. It needs no key and costs nothing. */
export const local = sdkProvider({
  ...identity,
  icon: "🖥️",
  color: "#475569",
  base_url: null,
  requires_api_key: false,
  supports_streaming: false,
  supports_tools: false,
  supports_embeddings: true,
  supports_fine_tuning: false,
  has_public_model_list: false,
  models: [encoder.model_id],
  unavailable: ({ embeddingsUrl }) => (embeddingsUrl === undefined ? missing : null),
  describe: (modelId) => (modelId === encoder.model_id ? encoder : undefined),
  async open(settings) {
    const baseURL = urlOf(settings);
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    const sdk = createOpenAICompatible({ name: identity.name, baseURL: `${baseURL}/v1`, fetch: operatorFetch(baseURL) });
    return {
      languageModel: (modelId) => {
        throw unknownModel(`${identity.name}/${modelId}`);
      },
      embeddingModel: (modelId) => sdk.embeddingModel(modelId),
    };
  },
  async list(settings) {
    urlOf(settings);
    return [encoder];
  },
});

function urlOf({ embeddingsUrl }: ProviderSettings): string {
  if (embeddingsUrl === undefined) throw new ProviderError("not_configured", identity, { detail: missing });
  return embeddingsUrl;
}

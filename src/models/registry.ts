import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import { builtinModels } from "./builtin/models.ts";
import { providerNames, type ModelSummary, type ProviderName } from "./kinds.ts";
import { unknownModel, type Provider, type ProviderSettings } from "./provider.ts";

/** How each provider is loaded, when it is first asked for. */
const providers = {
  builtin: async () => (await import("./builtin/provider.ts")).builtin,
} satisfies Record<ProviderName, () => Promise<Provider>>;

export function openProvider(name: ProviderName): Promise<Provider> {
  return providers[name]();
}

/** `provider/model`, where the name of the model may hold slashes of its own. */
export type ModelReference = { provider: ProviderName; modelId: string };

/** The two halves of `provider/model`; undefined where there is no such provider, or no model is named. */
export function parseModelReference(reference: string): ModelReference | undefined {
  const slash = reference.indexOf("/");
  const provider = providerNames.find((name) => name === reference.slice(0, Math.max(0, slash)));
  const modelId = reference.slice(slash + 1);
  return provider === undefined || modelId === "" ? undefined : { provider, modelId };
}

/** What is known of a model that needs no asking, without loading it; undefined for any other. */
export function describeModel(reference: string): ModelSummary | undefined {
  return builtinModels.find(({ provider, model_id }) => `${provider}/${model_id}` === reference);
}

/** @throws validation_failed where there is no such language model */
export async function openLanguageModel(reference: string, settings: ProviderSettings = {}): Promise<LanguageModelV4> {
  const { provider, modelId } = referenceTo(reference);
  return (await openProvider(provider)).languageModel(modelId, settings);
}

/** @throws validation_failed where there is no such embedding model */
export async function openEmbeddingModel(reference: string, settings: ProviderSettings = {}): Promise<EmbeddingModelV4> {
  const { provider, modelId } = referenceTo(reference);
  return (await openProvider(provider)).embeddingModel(modelId, settings);
}

function referenceTo(reference: string): ModelReference {
  const parsed = parseModelReference(reference);
  if (parsed === undefined) throw unknownModel(reference);
  return parsed;
}

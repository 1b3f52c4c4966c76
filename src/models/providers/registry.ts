import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import type { Ctx } from "../../context.ts";
import type { ModelSummary, ProviderIdentity } from "../constants.ts";
import { meteredModel } from "../allowance/metered-model.ts";
import type { Candidate } from "../gateway/call.ts";
import { ProviderError } from "../gateway/errors.ts";
import { unknownModel, type Provider, type ProviderSettings } from "./provider.ts";
import { providers, type ProviderName } from "./providers.ts";
import { operatorSettings } from "./settings.ts";

export const providerNames: readonly ProviderName[] = providers.map(({ name }) => name);

/** The providers with a public model list. Those that need no key come first. */
export const publicModelListProviders: readonly ProviderName[] = providers
  .filter(({ has_public_model_list }) => has_public_model_list)
  .toSorted((a, b) => Number(a.requires_api_key) - Number(b.requires_api_key))
  .map(({ name }) => name);

const byName: ReadonlyMap<string, Provider<ProviderName>> = new Map(providers.map((provider) => [provider.name, provider]));

/** Returns a provider by name. @throws ProviderError for an unknown name, which a row of a newer version may contain */
export function openProvider(name: ProviderName): Provider<ProviderName> {
  const provider = byName.get(name);
  if (provider === undefined) throw new ProviderError("not_configured", identityOf(name));
  return provider;
}

/** Returns the name and display name of a provider. An unknown provider is displayed by its name. */
export function identityOf(name: string): ProviderIdentity {
  return byName.get(name) ?? { name, display_name: name };
}

/** The parts of `provider/model`. The model ID may contain slashes. */
export type ModelReference = { provider: ProviderName; modelId: string };

/** Parses `provider/model`; undefined for an unknown provider or an empty model ID. */
export function parseModelReference(reference: string): ModelReference | undefined {
  const slash = reference.indexOf("/");
  const provider = providerNames.find((name) => name === reference.slice(0, Math.max(0, slash)));
  const modelId = reference.slice(slash + 1);
  return provider === undefined || modelId === "" ? undefined : { provider, modelId };
}

/** Summarizes a built-in, Workers AI or Ollama model by its name, without a request; undefined for any other model. */
export function describeModel(reference: string): ModelSummary | undefined {
  const parsed = parseModelReference(reference);
  return parsed === undefined ? undefined : openProvider(parsed.provider).describe?.(parsed.modelId);
}

/** Like `describeModel`, but undefined if the model is not available on this server. */
export function describeCallable(ctx: Pick<Ctx, "env">, reference: string): ModelSummary | undefined {
  const parsed = parseModelReference(reference);
  if (parsed === undefined) return undefined;
  const provider = openProvider(parsed.provider);
  if (provider.name === "ollama") return ctx.env.OLLAMA_URL === "" ? undefined : provider.describe?.(parsed.modelId);
  return provider.unavailable(operatorSettings(ctx)) === null ? provider.describe?.(parsed.modelId) : undefined;
}

/** Opens a language model. @throws validation_failed for an unknown model */
export async function openLanguageModel(reference: string, settings: ProviderSettings = {}): Promise<LanguageModelV4> {
  const { provider, modelId } = referenceTo(reference);
  const model = await openProvider(provider).languageModel(modelId, settings);
  // A reference always means the operator's Ollama server.
  return provider === "ollama" ? meteredModel(model, settings.allowance) : model;
}

/** Opens an embedding model. @throws validation_failed for an unknown model */
export async function openEmbeddingModel(reference: string, settings: ProviderSettings = {}): Promise<EmbeddingModelV4> {
  const { provider, modelId } = referenceTo(reference);
  return openProvider(provider).embeddingModel(modelId, settings);
}

/** A language model for the gateway, opened only when it is tried. @throws validation_failed for an unknown provider */
export function languageCandidate(reference: string, settings: ProviderSettings = {}): Candidate<LanguageModelV4> {
  const { provider, modelId } = referenceTo(reference);
  return { provider: openProvider(provider), modelId, open: () => openLanguageModel(reference, settings) };
}

/** An embedding model for the gateway. @throws validation_failed for an unknown provider */
export function embeddingCandidate(reference: string, settings: ProviderSettings = {}): Candidate<EmbeddingModelV4> {
  const { provider, modelId } = referenceTo(reference);
  return { provider: openProvider(provider), modelId, open: () => openEmbeddingModel(reference, settings) };
}

function referenceTo(reference: string): ModelReference {
  const parsed = parseModelReference(reference);
  if (parsed === undefined) throw unknownModel(reference);
  return parsed;
}

import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import type { Ctx } from "../../context.ts";
import type { ModelSummary, ProviderIdentity } from "../constants.ts";
import { meteredModel } from "../allowance/metered-model.ts";
import type { Candidate } from "../gateway/call.ts";
import { ProviderError } from "../gateway/errors.ts";
import { unknownModel, type Provider, type ProviderSettings } from "./provider.ts";
import { providers, type ProviderName } from "./providers.ts";
import { workersAiSettings } from "./settings.ts";

export const providerNames: readonly ProviderName[] = providers.map(({ name }) => name);

/** The providers that list their models to anybody. Those that need no key come first. */
export const publicModelListProviders: readonly ProviderName[] = providers
  .filter(({ has_public_model_list }) => has_public_model_list)
  .toSorted((a, b) => Number(a.requires_api_key) - Number(b.requires_api_key))
  .map(({ name }) => name);

const byName: ReadonlyMap<string, Provider<ProviderName>> = new Map(providers.map((provider) => [provider.name, provider]));

/** @throws ProviderError for a name that this version does not know, which a row of a newer one may hold */
export function openProvider(name: ProviderName): Provider<ProviderName> {
  const provider = byName.get(name);
  if (provider === undefined) throw new ProviderError("not_configured", identityOf(name));
  return provider;
}

/** The name that people know a provider by. An unknown provider has its own name. */
export function identityOf(name: string): ProviderIdentity {
  return byName.get(name) ?? { name, display_name: name };
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

/** What is known of a model of this server, of Workers AI or of Ollama by its name, without loading or asking it; undefined for any other. */
export function describeModel(reference: string): ModelSummary | undefined {
  const parsed = parseModelReference(reference);
  return parsed === undefined ? undefined : openProvider(parsed.provider).describe?.(parsed.modelId);
}

/** As `describeModel`, if it can be called here. */
export function describeCallable(ctx: Pick<Ctx, "env">, reference: string): ModelSummary | undefined {
  const parsed = parseModelReference(reference);
  if (parsed === undefined) return undefined;
  const provider = openProvider(parsed.provider);
  if (provider.name === "ollama") return ctx.env.OLLAMA_URL === "" ? undefined : provider.describe?.(parsed.modelId);
  return provider.unavailable(workersAiSettings(ctx)) === null ? provider.describe?.(parsed.modelId) : undefined;
}

/** @throws validation_failed where there is no such language model */
export async function openLanguageModel(reference: string, settings: ProviderSettings = {}): Promise<LanguageModelV4> {
  const { provider, modelId } = referenceTo(reference);
  const model = await openProvider(provider).languageModel(modelId, settings);
  // Users' own Ollama servers are not opened by a reference.
  return provider === "ollama" ? meteredModel(model, settings.allowance) : model;
}

/** @throws validation_failed where there is no such embedding model */
export async function openEmbeddingModel(reference: string, settings: ProviderSettings = {}): Promise<EmbeddingModelV4> {
  const { provider, modelId } = referenceTo(reference);
  return openProvider(provider).embeddingModel(modelId, settings);
}

/** A language model for the gateway, opened when its turn comes. @throws validation_failed where there is no such provider */
export function languageCandidate(reference: string, settings: ProviderSettings = {}): Candidate<LanguageModelV4> {
  const { provider, modelId } = referenceTo(reference);
  return { provider: openProvider(provider), modelId, open: () => openLanguageModel(reference, settings) };
}

/** An embedding model for the gateway. @throws validation_failed where there is no such provider */
export function embeddingCandidate(reference: string, settings: ProviderSettings = {}): Candidate<EmbeddingModelV4> {
  const { provider, modelId } = referenceTo(reference);
  return { provider: openProvider(provider), modelId, open: () => openEmbeddingModel(reference, settings) };
}

function referenceTo(reference: string): ModelReference {
  const parsed = parseModelReference(reference);
  if (parsed === undefined) throw unknownModel(reference);
  return parsed;
}

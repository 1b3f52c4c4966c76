import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import type { Ctx } from "../context.ts";
import { builtinModels } from "./builtin/models.ts";
import { providerNames, type ModelSummary, type ProviderName } from "./kinds.ts";
import type { Candidate } from "./gateway-call.ts";
import { kindByName, summarize } from "./listing.ts";
import { rationedModel } from "./rationing.ts";
import { unknownModel, type Provider, type ProviderSettings } from "./provider.ts";

/** How each provider is loaded, when it is first asked for. A name of `kinds.ts` that is missing here does not compile. */
const providers = {
  openai: async () => (await import("./providers/openai.ts")).openai,
  anthropic: async () => (await import("./providers/anthropic.ts")).anthropic,
  google: async () => (await import("./providers/google.ts")).google,
  mistral: async () => (await import("./providers/mistral.ts")).mistral,
  cohere: async () => (await import("./providers/cohere.ts")).cohere,
  groq: async () => (await import("./providers/groq.ts")).groq,
  openrouter: async () => (await import("./providers/openrouter.ts")).openrouter,
  together: async () => (await import("./providers/together.ts")).together,
  huggingface: async () => (await import("./providers/huggingface.ts")).huggingface,
  nvidia: async () => (await import("./providers/nvidia.ts")).nvidia,
  moonshotai: async () => (await import("./providers/moonshotai.ts")).moonshotai,
  ollama: async () => (await import("./providers/ollama.ts")).ollama,
  "workers-ai": async () => (await import("./providers/workers-ai.ts")).workersAi,
  custom: async () => (await import("./providers/custom.ts")).custom,
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

/** What is known of a model of this server, of Workers AI or of Ollama by its name, without loading or asking it; undefined for any other. */
export function describeModel(reference: string): ModelSummary | undefined {
  const { provider, modelId } = parseModelReference(reference) ?? {};
  if (provider === "builtin") return builtinModels.find(({ model_id }) => model_id === modelId);
  if ((provider !== "workers-ai" && provider !== "ollama") || modelId === undefined) return undefined;
  const kind = kindByName(modelId);
  const display_name = modelId.split("/").at(-1)!;
  const supports_tools = kind === "language";
  return kind === undefined ? undefined : summarize(provider, { model_id: modelId, kind, display_name, supports_tools });
}

/** As `describeModel`, if it can be called here. */
export function describeCallable(ctx: Pick<Ctx, "env">, reference: string): ModelSummary | undefined {
  const described = describeModel(reference);
  const { AI, OLLAMA_URL } = ctx.env;
  if (described?.provider === "workers-ai" && AI === undefined) return undefined;
  return described?.provider === "ollama" && OLLAMA_URL === "" ? undefined : described;
}

/** @throws validation_failed where there is no such language model */
export async function openLanguageModel(reference: string, settings: ProviderSettings = {}): Promise<LanguageModelV4> {
  const { provider, modelId } = referenceTo(reference);
  const model = await (await openProvider(provider)).languageModel(modelId, settings);
  // Users' own Ollama servers are not opened by a reference.
  return provider === "ollama" ? rationedModel(model, settings.allowance) : model;
}

/** @throws validation_failed where there is no such embedding model */
export async function openEmbeddingModel(reference: string, settings: ProviderSettings = {}): Promise<EmbeddingModelV4> {
  const { provider, modelId } = referenceTo(reference);
  return (await openProvider(provider)).embeddingModel(modelId, settings);
}

/** A language model for the gateway, opened when its turn comes. @throws validation_failed where there is no such provider */
export function languageCandidate(reference: string, settings: ProviderSettings = {}): Candidate<LanguageModelV4> {
  return { ...referenceTo(reference), open: () => openLanguageModel(reference, settings) };
}

/** An embedding model for the gateway. @throws validation_failed where there is no such provider */
export function embeddingCandidate(reference: string, settings: ProviderSettings = {}): Candidate<EmbeddingModelV4> {
  return { ...referenceTo(reference), open: () => openEmbeddingModel(reference, settings) };
}

function referenceTo(reference: string): ModelReference {
  const parsed = parseModelReference(reference);
  if (parsed === undefined) throw unknownModel(reference);
  return parsed;
}

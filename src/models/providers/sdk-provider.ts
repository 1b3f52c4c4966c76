import type { EmbeddingModelV4, LanguageModelV4, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import type { CallOptions } from "../gateway/call.ts";
import { isQuotaError, ProviderError, providerError } from "../gateway/errors.ts";
import { stripSeparators } from "../gateway/coalesced-deltas.ts";
import { gatewayEmbeddingModel, gatewayModel } from "../gateway/gateway.ts";
import type { ModelSummary, Quirks } from "../constants.ts";
import { baseUrlIn, withQueryOf } from "./compatible/base-url.ts";
import { compatibleFetch } from "./compatible/compatible-fetch.ts";
import { withEmbeddingBatches } from "./compatible/embedding-batches.ts";
import { withThinkTags } from "./compatible/think-tags.ts";
import { kindByName, listOpenAiModels } from "./list-models.ts";
import {
  modelFailed,
  modelWorked,
  unknownModel,
  withTransformedOptions,
  type Connection,
  type ModelTest,
  type Provider,
  type ProviderSettings,
  type PublishedPrice,
} from "./provider.ts";

/** The models of an SDK. */
type Models = {
  languageModel(modelId: string): LanguageModelV4;
  embeddingModel(modelId: string): EmbeddingModelV4;
};

/** The definition of a provider in its file, with the import of its SDK. */
type SdkProviderOptions<Name extends string> = Omit<
  Provider<Name>,
  "languageModel" | "embeddingModel" | "listModels" | "test"
> & {
  /** What is known about its servers. */
  quirks?: Quirks;
  /** Whether its SDK sends reasoning as `reasoning_content`, which is left out for servers that do not require it. */
  sends_reasoning?: boolean;
  open(settings: ProviderSettings): Promise<Models>;
  list(settings: ProviderSettings): Promise<readonly ModelSummary[]>;
};

/** Creates a provider from an SDK. */
export function sdkProvider<const Name extends string>({
  open,
  list,
  sends_reasoning = false,
  ...definition
}: SdkProviderOptions<Name>): Provider<Name> {
  const { name, supports_embeddings } = definition;
  const provider: Provider<Name> = {
    ...definition,
    async languageModel(modelId, settings) {
      const model = withThinkTags((await open(settings)).languageModel(modelId));
      return sends_reasoning ? model : withTransformedOptions(model, withoutPlainReasoning);
    },
    async embeddingModel(modelId, settings) {
      if (!supports_embeddings) throw unknownModel(`${name}/${modelId}`);
      return withEmbeddingBatches((await open(settings)).embeddingModel(modelId), definition, settings);
    },
    listModels: list,
    test: (modelId, settings, options) => testProvider(provider, modelId, settings, options),
  };
  return provider;
}

/** Leaves out reasoning that has no data of the vendor: the vendor does not require it, and may refuse it. */
function withoutPlainReasoning(options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  const prompt = options.prompt.map((message) =>
    message.role === "assistant"
      ? {
          ...message,
          content: message.content.filter((part) => part.type !== "reasoning" || part.providerOptions !== undefined),
        }
      : message,
  );
  return { ...options, prompt };
}

async function testProvider(
  provider: Provider,
  modelId: string,
  settings: ProviderSettings,
  overrides: CallOptions = {},
): Promise<ModelTest> {
  const reference = { provider, modelId };
  const options = { callMs: 30_000, firstTokenMs: 30_000, ...overrides };
  const found: Quirks = {};
  const tested: ProviderSettings = {
    ...settings,
    onQuirks(more) {
      Object.assign(found, more);
      settings.onQuirks?.(more);
    },
  };
  try {
    if ((provider.describe?.(modelId)?.kind ?? kindByName(modelId)) === "embedding") {
      const open = () => provider.embeddingModel(modelId, tested);
      const { embeddings } = await gatewayEmbeddingModel({ ...reference, open }, options).doEmbed({ values: ["one text"] });
      return modelWorked(`A vector of ${embeddings[0]?.length ?? 0} numbers.`, found);
    }
    const open = () => provider.languageModel(modelId, tested);
    // What a turn sends: a system message, sampling, a limit and a stream.
    const { stream } = await gatewayModel([{ ...reference, open }], options).doStream({
      prompt: [
        { role: "system", content: "You are a helpful assistant." },
        { role: "user", content: [{ type: "text", text: "Say hello in one short sentence." }] },
      ],
      temperature: 0.7,
      maxOutputTokens: 256,
    });
    let text = "";
    for await (const part of stream) {
      if (part.type === "error") throw part.error;
      if (part.type === "text-delta") text += part.delta;
    }
    return modelWorked(stripSeparators(text) || null, found);
  } catch (cause) {
    const failure = providerError(cause, provider);
    if (isQuotaError(failure.kind)) throw failure;
    return modelFailed(failure.message, found);
  }
}

/** The definition of an HTTP provider. Its model list has OpenAI's format unless `list` is defined. */
type HttpProviderOptions<Name extends string> = Omit<
  SdkProviderOptions<Name>,
  "supports_streaming" | "unavailable" | "open" | "list" | "listPrices"
> & {
  open(connection: Omit<Connection, "provider">): Promise<Models>;
  list?(connection: Connection): Promise<readonly ModelSummary[]>;
  listPrices?(connection: Connection): Promise<readonly PublishedPrice[]>;
};

/** Creates a provider that is called over HTTP, with the key and the base URL of the settings or its default base URL. */
export function httpProvider<const Name extends string>({
  open,
  list,
  listPrices,
  ...definition
}: HttpProviderOptions<Name>): Provider<Name> {
  const { supports_tools } = definition;
  return sdkProvider({
    ...definition,
    supports_streaming: true,
    unavailable: () => null,
    async open(settings) {
      const { provider: _, ...connection } = connectionOf(definition, settings);
      return open(connection);
    },
    async list(settings) {
      const connection = connectionOf(definition, settings);
      return list === undefined ? listOpenAiModels(connection, supports_tools) : list(connection);
    },
    ...(listPrices === undefined
      ? {}
      : { listPrices: async (settings) => listPrices(connectionOf(definition, { ...settings, anonymous: true })) }),
  });
}

function connectionOf(
  provider: Pick<Provider, "name" | "display_name" | "requires_api_key" | "base_url"> & { quirks?: Quirks },
  { apiKey, baseUrl, anonymous = false, fetch: through = fetch, coalesceDeltas: joins = false, ...settings }: ProviderSettings,
): Connection {
  const { display_name, requires_api_key, base_url } = provider;
  const missing = (setting: string) =>
    new ProviderError("not_configured", provider, { detail: `${display_name} requires ${setting}.` });
  const baseURL = baseUrlIn(baseUrl ?? base_url ?? "");
  if (baseURL === "") throw missing("a base URL");
  if (requires_api_key && !apiKey && !anonymous) throw missing("an API key");
  // Redirects are not followed: one would send the prompt, and for some vendors the key, to an unchecked host.
  const send = withQueryOf(baseUrl ?? "", (input, init) => through(input, { ...init, redirect: "manual" }));
  const versionPath = base_url === null ? "/v1" : new URL(base_url).pathname;
  const quirks = { ...provider.quirks, ...settings.quirks };
  return {
    provider,
    baseURL,
    fetch: compatibleFetch(send, { baseURL, versionPath, joins, quirks, onQuirks: settings.onQuirks }),
    ...(apiKey ? { apiKey } : {}),
  };
}

/** The `embeddingModel` of an SDK without embedding models. */
export function embeddingsUnsupported(): never {
  throw new Error("This provider does not support embeddings.");
}

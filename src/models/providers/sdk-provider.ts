import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import type { CallOptions } from "../gateway/call.ts";
import { isQuotaError, ProviderError, providerError } from "../gateway/errors.ts";
import { gatewayEmbeddingModel, gatewayModel } from "../gateway/gateway.ts";
import { coalesceSse } from "./coalesce-sse.ts";
import type { ModelSummary } from "../constants.ts";
import { kindByName, listOpenAiModels } from "./list-models.ts";
import {
  modelFailed,
  modelWorked,
  unknownModel,
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
  open(settings: ProviderSettings): Promise<Models>;
  list(settings: ProviderSettings): Promise<readonly ModelSummary[]>;
};

/** Creates a provider from an SDK. */
export function sdkProvider<const Name extends string>({
  open,
  list,
  ...definition
}: SdkProviderOptions<Name>): Provider<Name> {
  const { name, supports_embeddings } = definition;
  const provider: Provider<Name> = {
    ...definition,
    languageModel: async (modelId, settings) => (await open(settings)).languageModel(modelId),
    async embeddingModel(modelId, settings) {
      if (!supports_embeddings) throw unknownModel(`${name}/${modelId}`);
      return (await open(settings)).embeddingModel(modelId);
    },
    listModels: list,
    test: (modelId, settings, options) => testProvider(provider, modelId, settings, options),
  };
  return provider;
}

async function testProvider(
  provider: Provider,
  modelId: string,
  settings: ProviderSettings,
  overrides: CallOptions = {},
): Promise<ModelTest> {
  const reference = { provider, modelId };
  const options = { callMs: 30_000, ...overrides };
  try {
    if (kindByName(modelId) === "embedding") {
      const open = () => provider.embeddingModel(modelId, settings);
      const { embeddings } = await gatewayEmbeddingModel({ ...reference, open }, options).doEmbed({ values: ["one text"] });
      return modelWorked(`A vector of ${embeddings[0]?.length ?? 0} numbers.`);
    }
    const open = () => provider.languageModel(modelId, settings);
    const { content } = await gatewayModel([{ ...reference, open }], options).doGenerate({
      prompt: [{ role: "user", content: [{ type: "text", text: "Say hello in one short sentence." }] }],
      maxOutputTokens: 256,
    });
    return modelWorked(content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("") || null);
  } catch (cause) {
    const failure = providerError(cause, provider);
    if (isQuotaError(failure.kind)) throw failure;
    return modelFailed(failure.message);
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
  provider: Pick<Provider, "name" | "display_name" | "requires_api_key" | "base_url">,
  { apiKey, baseUrl, anonymous = false, fetch: through = fetch, coalesceDeltas: joins = false }: ProviderSettings,
): Connection {
  const { display_name, requires_api_key, base_url } = provider;
  const missing = (setting: string) =>
    new ProviderError("not_configured", provider, { detail: `${display_name} requires ${setting}.` });
  const baseURL = (baseUrl ?? base_url ?? "").replace(/\/+$/, "");
  if (baseURL === "") throw missing("a base URL");
  if (requires_api_key && !apiKey && !anonymous) throw missing("an API key");
  // Redirects are not followed: one would send the prompt, and for some vendors the key, to an unchecked host.
  const send: typeof fetch = (input, init) => through(input, { ...init, redirect: "manual" });
  return {
    provider,
    baseURL,
    fetch: joins ? coalesceSse(send) : send,
    ...(apiKey ? { apiKey } : {}),
  };
}

/** The `embeddingModel` of an SDK without embedding models. */
export function embeddingsUnsupported(): never {
  throw new Error("This provider does not support embeddings.");
}

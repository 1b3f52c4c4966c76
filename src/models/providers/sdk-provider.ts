import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import type { CallOptions } from "../gateway/call.ts";
import { isAllowances, ProviderError, providerError } from "../gateway/errors.ts";
import { gatewayEmbeddingModel, gatewayModel } from "../gateway/gateway.ts";
import { joining } from "./coalesce-sse.ts";
import { providerDisplayNames, type ModelSummary, type ProviderName } from "../constants.ts";
import { kindByName, listLikeOpenAi } from "./list-models.ts";
import { modelFailed, modelWorked, unknownModel, type ModelTest, type Provider, type ProviderSettings } from "./provider.ts";

/** What an SDK offers. */
type Models = {
  languageModel(modelId: string): LanguageModelV4;
  embeddingModel(modelId: string): EmbeddingModelV4;
};

/** What is said of a provider in its file, and how its SDK is imported. */
type Description = Omit<Provider, "display_name" | "languageModel" | "embeddingModel" | "listModels" | "test"> & {
  open(settings: ProviderSettings): Promise<Models>;
  list(settings: ProviderSettings): Promise<readonly ModelSummary[]>;
};

/** A provider whose models are those of an SDK. */
export function sdkProvider({ open, list, ...said }: Description): Provider {
  const { name, supports_embeddings } = said;
  const provider: Provider = {
    ...said,
    display_name: providerDisplayNames[name],
    languageModel: async (modelId, settings) => (await open(settings)).languageModel(modelId),
    async embeddingModel(modelId, settings) {
      if (!supports_embeddings) throw unknownModel(`${name}/${modelId}`);
      return (await open(settings)).embeddingModel(modelId);
    },
    listModels: list,
    test: (modelId, settings, options) => tryOut(provider, modelId, settings, options),
  };
  return provider;
}

async function tryOut(
  provider: Provider,
  modelId: string,
  settings: ProviderSettings,
  given: CallOptions = {},
): Promise<ModelTest> {
  const reference = { provider: provider.name, modelId };
  const options = { callMs: 30_000, ...given };
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
    const failure = providerError(cause, provider.name);
    if (isAllowances(failure.kind)) throw failure;
    return modelFailed(failure.message);
  }
}

/** Where and with what a vendor is called. An SDK takes what is left out from the environment: only a key may be. */
export type Connection = { name: ProviderName; apiKey?: string; baseURL: string; fetch: typeof fetch };

/** What is said of a vendor; its models are listed as OpenAI lists them, unless it says how. */
type Vendor = Omit<Description, "supports_streaming" | "unavailable" | "open" | "list"> & {
  open(connection: Omit<Connection, "name">): Promise<Models>;
  list?(connection: Connection): Promise<readonly ModelSummary[]>;
};

/** A provider that is called over HTTP, with the key and at the address of the settings or its own. */
export function vendor({ open, list, ...said }: Vendor): Provider {
  const { supports_tools } = said;
  return sdkProvider({
    ...said,
    supports_streaming: true,
    unavailable: () => null,
    async open(settings) {
      const { name: _, ...connection } = connectionOf(said, settings);
      return open(connection);
    },
    async list(settings) {
      const connection = connectionOf(said, settings);
      return list === undefined ? listLikeOpenAi(connection, supports_tools) : list(connection);
    },
  });
}

function connectionOf(
  { name, requires_api_key, base_url }: Pick<Provider, "name" | "requires_api_key" | "base_url">,
  { apiKey, baseUrl, anonymous = false, fetch: through = fetch, joins = false }: ProviderSettings,
): Connection {
  const missing = (what: string) =>
    new ProviderError("not_configured", name, { detail: `${providerDisplayNames[name]} needs ${what}.` });
  const baseURL = (baseUrl ?? base_url ?? "").replace(/\/+$/, "");
  if (baseURL === "") throw missing("a base URL");
  if (requires_api_key && !apiKey && !anonymous) throw missing("an API key");
  // A redirect would carry the prompt, and with some vendors the key, to somebody who was never checked.
  const send: typeof fetch = (input, init) => through(input, { ...init, redirect: "manual" });
  return {
    name,
    baseURL,
    fetch: joins ? joining(send) : send,
    ...(apiKey ? { apiKey } : {}),
  };
}

/** For an SDK whose models embed nothing. */
export function noEmbeddings(): never {
  throw new Error("This provider embeds nothing.");
}

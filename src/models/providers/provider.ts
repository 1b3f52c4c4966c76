import type { EmbeddingModelV4, LanguageModelV4, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { type AppError, validationError } from "../../kit/errors.ts";
import type { Allowance } from "../allowance/allowance.ts";
import type { CallOptions } from "../gateway/call.ts";
import { describeQuirks } from "./describe-quirks.ts";
import type { ModelSummary, ProviderIdentity, Quirks } from "../constants.ts";

/** The settings of a call: the key and base URL belong to the user who pays for the call. They never come from the environment. */
export type ProviderSettings = {
  apiKey?: string;
  /** Whether to call without a key, for public lists. */
  anonymous?: boolean;
  /** Overrides the `base_url` of the provider. */
  baseUrl?: string;
  /** The `fetch` for every request. */
  fetch?: typeof fetch;
  /** Whether a stream may join deltas that arrive together. The reader must split them with `splitDeltas`. */
  coalesceDeltas?: boolean;
  /** What is known about how the server differs from its protocol. */
  quirks?: Quirks;
  /** Receives what was found about the server, after it accepted a request that was adapted to it. */
  onQuirks?(found: Quirks): void;
  /** The AI binding, if the Worker has one. */
  ai?: Ai;
  /** The URL of the operator's embedding server, if there is one. */
  embeddingsUrl?: string;
  /** The user's allowance for models that the operator pays for. */
  allowance?: Allowance;
};

/** The connection to a provider over HTTP. Only the key is optional, because SDKs read omitted settings from the environment. */
export type Connection = { provider: ProviderIdentity; apiKey?: string; baseURL: string; fetch: typeof fetch };

/** The result of a test call: the response or the error, and what was found about the server. */
export type ModelTest = { success: boolean; message: string; response: string | null; error: string | null; quirks: Quirks };

/** A published price in micro-dollars per million tokens; null where the provider publishes none. */
export type PublishedPrice = {
  model_id: string;
  input: number;
  output: number;
  cache_read: number | null;
  cache_write: number | null;
  /** The shutdown date, like `2026-12-31`. */
  shutdown_on: string | null;
  source: string;
};

/**
 * A provider of models. Clients see its members in snake_case. Its methods import its SDK lazily, so that a list of providers loads no
 * SDK.
 */
export type Provider<Name extends string = string> = {
  readonly name: Name;
  readonly display_name: string;
  readonly icon: string;
  /** The brand color, as `#rrggbb`. */
  readonly color: string;
  /** The default base URL; null if the user must enter one, or the provider uses none. */
  readonly base_url: string | null;
  readonly requires_api_key: boolean;
  readonly supports_streaming: boolean;
  readonly supports_tools: boolean;
  readonly supports_embeddings: boolean;
  readonly supports_fine_tuning: boolean;
  /** Whether its model list is public: it needs no key and is the same for all. */
  readonly has_public_model_list: boolean;
  /** A few examples of model IDs, available without a request. */
  readonly models: readonly string[];
  /** The reason why the provider is unavailable on this server with any key; null if it is available. */
  unavailable(settings: ProviderSettings): string | null;
  /** Opens a language model. @throws validation_failed if the model is known not to exist; ProviderError if a setting is missing */
  languageModel(modelId: string, settings: ProviderSettings): Promise<LanguageModelV4>;
  /** Opens an embedding model. @throws validation_failed if the model is known not to exist; ProviderError if a setting is missing */
  embeddingModel(modelId: string, settings: ProviderSettings): Promise<EmbeddingModelV4>;
  /** Summarizes a model without a request, for providers that this server runs or is bound to. */
  describe?(modelId: string): ModelSummary | undefined;
  /** Lists the models that these settings can call. @throws ProviderError */
  listModels(settings: ProviderSettings): Promise<readonly ModelSummary[]>;
  /** Lists prices, if the provider publishes them. @throws ProviderError */
  listPrices?(settings: ProviderSettings): Promise<readonly PublishedPrice[]>;
  /** Makes one real call through the gateway. A refusal of the provider is a result, not an error. @throws ProviderError if the allowance is used up */
  test(modelId: string, settings: ProviderSettings, options?: CallOptions): Promise<ModelTest>;
};

/** The error 422 for an unknown model. */
export function unknownModel(reference: string): AppError {
  return validationError([
    { path: "model", in: "body", message: `must be an available model of the right kind; “${reference}” is not` },
  ]);
}

/** Wraps a model so that it changes the options of each call. */
export function withTransformedOptions(
  model: LanguageModelV4,
  changeOptions: (options: LanguageModelV4CallOptions) => LanguageModelV4CallOptions,
): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: (options) => model.doGenerate(changeOptions(options)),
    doStream: (options) => model.doStream(changeOptions(options)),
  };
}

export function modelWorked(response: string | null, quirks: Quirks = {}): ModelTest {
  return {
    success: true,
    message: ["The model responded.", ...describeQuirks(quirks)].join(" "),
    response,
    error: null,
    quirks,
  };
}

export function modelFailed(error: string, quirks: Quirks = {}): ModelTest {
  return { success: false, message: "The model did not respond.", response: null, error, quirks };
}

import type { EmbeddingModelV4, LanguageModelV4, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { type AppError, validationError } from "../../kit/errors.ts";
import type { Allowance } from "../allowance/allowance.ts";
import type { CallOptions } from "../gateway/call.ts";
import type { ModelSummary, ProviderIdentity } from "../constants.ts";

/** With what a provider is called: the key and address of whoever pays for the call, never those of the process. */
export type ProviderSettings = {
  apiKey?: string;
  /** Whether nobody's key is meant to be used: for what a provider tells anybody. */
  anonymous?: boolean;
  /** Where the provider is reached instead of at its own `base_url`. */
  baseUrl?: string;
  /** What every call goes out through. */
  fetch?: typeof fetch;
  /** Whether a stream may join pieces of text that came together: for who takes its deltas through `piecesOf`. */
  coalesceDeltas?: boolean;
  /** The AI binding, where the Worker has one. */
  ai?: Ai;
  /** What the user has left of what the operator pays for. */
  allowance?: Allowance;
};

/** Where and with what a provider is called over HTTP. An SDK takes what is left out from the environment: only a key may be. */
export type Connection = { provider: ProviderIdentity; apiKey?: string; baseURL: string; fetch: typeof fetch };

/** What came of running a model once: what it said, or why it did not. */
export type ModelTest = { success: boolean; message: string; response: string | null; error: string | null };

/** What a provider says that a model costs, in micro-dollars for a million tokens; null where it does not say. */
export type PublishedPrice = {
  model_id: string;
  input: number;
  output: number;
  cache_read: number | null;
  cache_write: number | null;
  /** The day on which it is taken away, `2026-12-31`. */
  shutdown_on: string | null;
  source: string;
};

/**
 * A provider of models. Its members in snake_case are shown to clients. Its file is small: its methods import its SDK, so that a list of
 * providers loads none.
 */
export type Provider<Name extends string = string> = {
  readonly name: Name;
  readonly display_name: string;
  readonly icon: string;
  /** Of its mark, as `#rrggbb`. */
  readonly color: string;
  /** Where it is reached unless the settings say otherwise; null where the user must say, or nothing is reached at all. */
  readonly base_url: string | null;
  readonly requires_api_key: boolean;
  readonly supports_streaming: boolean;
  readonly supports_tools: boolean;
  readonly supports_embeddings: boolean;
  readonly supports_fine_tuning: boolean;
  /** Whether it lists its models to anybody: that list needs no key, and is the same for all. */
  readonly has_public_model_list: boolean;
  /** Names of models that can be offered without asking: few, since those come and go that are not ours. */
  readonly models: readonly string[];
  /** Why nobody can call it on this server, whatever key they bring; null where they can. */
  unavailable(settings: ProviderSettings): string | null;
  /** @throws validation_failed where it is known to have no such language model; ProviderError where the settings lack something */
  languageModel(modelId: string, settings: ProviderSettings): Promise<LanguageModelV4>;
  /** @throws validation_failed where it is known to have no such embedding model; ProviderError where the settings lack something */
  embeddingModel(modelId: string, settings: ProviderSettings): Promise<EmbeddingModelV4>;
  /** What is known of a model without loading or asking it, for a provider whose models this server runs or is bound to. */
  describe?(modelId: string): ModelSummary | undefined;
  /** The models that these settings can call, as far as the provider lists them. @throws ProviderError */
  listModels(settings: ProviderSettings): Promise<readonly ModelSummary[]>;
  /** What its models cost, of a provider that tells anybody. @throws ProviderError */
  listPrices?(settings: ProviderSettings): Promise<readonly PublishedPrice[]>;
  /** Runs a model once, for real and through the gateway. A refusal is an outcome, not an error. @throws ProviderError where there is no allowance for it */
  test(modelId: string, settings: ProviderSettings, options?: CallOptions): Promise<ModelTest>;
};

/** The 422 for a model that is not there. */
export function unknownModel(reference: string): AppError {
  return validationError([
    { path: "model", in: "body", message: `must be an available model of the right kind; “${reference}” is not` },
  ]);
}

/** A model that is asked otherwise than its caller asks. */
export function askedOtherwise(
  model: LanguageModelV4,
  otherwise: (options: LanguageModelV4CallOptions) => LanguageModelV4CallOptions,
): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: (options) => model.doGenerate(otherwise(options)),
    doStream: (options) => model.doStream(otherwise(options)),
  };
}

export function modelWorked(response: string | null): ModelTest {
  return { success: true, message: "The model responded.", response, error: null };
}

export function modelFailed(error: string): ModelTest {
  return { success: false, message: "The model did not respond.", response: null, error };
}

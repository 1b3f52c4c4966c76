/** The name and display name of a provider. */
export type ProviderIdentity = { readonly name: string; readonly display_name: string };

/** The summary of a model that is available without loading it. Minions show it and are scored by it. */
export type ModelSummary = {
  /** Whether the model answers or embeds text. */
  kind: "language" | "embedding";
  provider: string;
  provider_display_name: string;
  model_id: string;
  display_name: string;
  /** Null if the model has none or the provider does not report it. */
  parameters_billions: number | null;
  /** In tokens; null if there is no limit or the provider does not report it. */
  context_length: number | null;
  capabilities: readonly string[];
  architecture: string | null;
  supports_tools: boolean;
  supports_streaming: boolean;
};

/** The purposes of a model call. */
export const callPurposes = ["test", "chat", "training", "tool", "knowledge"] as const;
export type CallPurpose = (typeof callPurposes)[number];

/** The maximum number of models per user. */
export const maxModels = 100;

/** The outcomes of a model call. */
export const callOutcomes = ["complete", "stopped", "failed"] as const;

/**
 * How a server differs from OpenAI's protocol: found when it refused a request, or set by the user. What is missing is not known, and is
 * tried as OpenAI specifies it.
 */
export type Quirks = {
  /** Whether these parameters are sent. */
  stream_options?: boolean;
  temperature?: boolean;
  top_p?: boolean;
  tool_choice?: boolean;
  tools?: boolean;
  encoding_format?: boolean;
  /** The name of the limit of an answer; `none` if the server takes no limit. */
  max_tokens_name?: "max_tokens" | "max_completion_tokens" | "none";
  /** Whether system messages are sent. Otherwise their text stands at the start of the first message of the user. */
  system_role?: boolean;
  /** Whether answers are streamed. Otherwise they are requested whole. */
  stream?: boolean;
  /** Whether texts in parts are sent as one string. */
  string_content?: boolean;
  /** Whether the reasoning is sent back with the tool calls that followed it. */
  reasoning_content?: boolean;
  /** The maximum number of texts per embedding request. */
  max_embedding_batch?: number;
  /** The part of the address that the base URL lacks, such as `/v1`. */
  path_prefix?: string;
  /** The context window that the server named when it refused a request, in tokens. */
  context_length?: number;
};

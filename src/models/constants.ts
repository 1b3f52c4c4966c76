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

/** Which provider something belongs to, and what people call it. */
export type ProviderIdentity = { readonly name: string; readonly display_name: string };

/** What a model is known by before anything of it is loaded: what a minion shows and is scored by. */
export type ModelSummary = {
  /** What it is for: to answer, or to embed text. */
  kind: "language" | "embedding";
  provider: string;
  provider_display_name: string;
  model_id: string;
  display_name: string;
  /** Null where it has none, or where the provider does not say. */
  parameters_billions: number | null;
  /** In tokens; null where there is no limit, or where the provider does not say. */
  context_length: number | null;
  capabilities: readonly string[];
  architecture: string | null;
  supports_tools: boolean;
  supports_streaming: boolean;
};

/** What models are called for. */
export const callPurposes = ["test", "chat", "training", "tool", "knowledge"] as const;
export type CallPurpose = (typeof callPurposes)[number];

/** The maximum number of models per user. */
export const maxModels = 100;

/** How a call can end. */
export const callOutcomes = ["complete", "stopped", "failed"] as const;

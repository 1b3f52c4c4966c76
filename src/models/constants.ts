/** The providers there are, with the names that people know them by. The database checks them, the schemas validate them. */
export const providerDisplayNames = {
  openai: "OpenAI",
  anthropic: "Anthropic",
  google: "Google Gemini",
  mistral: "Mistral AI",
  cohere: "Cohere",
  groq: "Groq",
  openrouter: "OpenRouter",
  together: "Together AI",
  huggingface: "Hugging Face",
  nvidia: "NVIDIA NIM",
  moonshotai: "Moonshot AI",
  ollama: "Ollama",
  "workers-ai": "Cloudflare Workers AI",
  custom: "Custom (OpenAI-compatible)",
  builtin: "Built-in",
} as const satisfies Record<string, string>;

export type ProviderName = keyof typeof providerDisplayNames;
export const providerNames = Object.keys(providerDisplayNames) as [ProviderName, ...ProviderName[]];

/** Providers who tell anybody which models they have: their lists need no key, and are the same for all. */
export const openListers = ["workers-ai", "openrouter", "huggingface", "nvidia"] as const satisfies readonly ProviderName[];
export type OpenLister = (typeof openListers)[number];

/** What a model is known by before anything of it is loaded: what a minion shows and is scored by. */
export type ModelSummary = {
  /** What it is for: to answer, or to embed text. */
  kind: "language" | "embedding";
  provider: ProviderName;
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

/** How a call can end. */
export const callOutcomes = ["complete", "stopped", "failed"] as const;

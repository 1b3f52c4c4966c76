import type { ModelSummary } from "../../constants.ts";

export const identity = { name: "builtin", display_name: "Built-in" } as const;

const common = {
  provider: identity.name,
  provider_display_name: identity.display_name,
  parameters_billions: null,
  context_length: null,
  supports_tools: false,
} as const;

/** The built-in models. They need no weights, no key and no network. */
export const builtinModels = [
  {
    ...common,
    kind: "language",
    model_id: "extractive",
    display_name: "Built-in extractive",
    capabilities: ["chat", "citations"],
    architecture: "extractive",
    supports_streaming: true,
  },
  {
    ...common,
    kind: "embedding",
    model_id: "hashing-384",
    display_name: "Built-in hashing, 384 dimensions",
    capabilities: ["embedding"],
    architecture: "feature hashing",
    supports_streaming: false,
  },
] as const satisfies readonly ModelSummary[];

import { commonErrors, defineErrors, type ConstraintErrors } from "../kit/errors.ts";

export const modelErrors = defineErrors({
  display_name_taken: { status: 409, title: "Display name taken", retryable: false },
  model_limit_reached: { status: 409, title: "Model limit reached", retryable: false },
});

/** The errors of a provider, for routes that call one. */
export const providerErrors = {
  ...defineErrors({
    provider_refused: { status: 502, title: "Provider refused", retryable: false },
    provider_model_missing: { status: 502, title: "Model missing at the provider", retryable: false },
    provider_key_rejected: { status: 502, title: "Key rejected by the provider", retryable: false },
    provider_no_credit: { status: 502, title: "No credit at the provider", retryable: false },
    provider_rate_limited: { status: 429, title: "Provider asked too often", retryable: true },
  }),
  provider_unavailable: commonErrors.provider_unavailable,
  provider_timed_out: commonErrors.provider_timed_out,
  ...defineErrors({
    provider_not_configured: { status: 503, title: "Provider not configured", retryable: false },
  }),
};

export const allowanceErrors = defineErrors({
  // No retry of a job reaches the next day.
  allowance_exhausted: { status: 429, title: "Allowance used up", retryable: false },
  allowance_unavailable: { status: 503, title: "Allowance cannot be counted", retryable: true },
});

/** What constraints and refusal codes of this feature mean to a client. */
export const constraintErrors = {
  model_limit_reached: {
    type: modelErrors.model_limit_reached,
    detail: "You have as many models as anybody may: delete one first.",
  },
  model_not_found: { type: "not_found", detail: "There is no such model of yours." },
  model_display_name_taken: { type: modelErrors.display_name_taken, detail: "You have a model of this display name." },
  model_key_needed: {
    type: "validation_failed",
    path: "api_key",
    detail: "give it again, since the stored one was meant for another address",
  },
  data_key_taken: { type: "conflict", detail: "Another key of yours was being stored: try again." },
} as const satisfies ConstraintErrors;

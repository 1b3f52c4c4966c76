import { maxModels } from "./constants.ts";
import { commonErrors, defineErrors, type ConstraintErrors } from "../kit/errors.ts";

export const modelErrors = defineErrors({
  display_name_taken: { status: 409, title: "Display name taken", retryable: false },
  model_limit_reached: { status: 409, title: "Model limit reached", retryable: false },
});

/** The errors of a provider, for routes that call one. */
export const providerErrors = {
  ...defineErrors({
    provider_refused: { status: 502, title: "Request refused by the provider", retryable: false },
    provider_model_missing: { status: 502, title: "Model not found at the provider", retryable: false },
    provider_key_rejected: { status: 502, title: "API key rejected by the provider", retryable: false },
    provider_no_credit: { status: 502, title: "No credit with the provider", retryable: false },
    provider_rate_limited: { status: 429, title: "Rate limited by the provider", retryable: true },
  }),
  provider_unavailable: commonErrors.provider_unavailable,
  provider_timed_out: commonErrors.provider_timed_out,
  ...defineErrors({
    provider_not_configured: { status: 503, title: "Provider not configured", retryable: false },
  }),
};

/** The error of a message that is too long for its model. */
export const contextErrors = defineErrors({
  context_exceeded: { status: 422, title: "Message too long for the model", retryable: false },
});

export const allowanceErrors = defineErrors({
  // Not retryable: a job is never retried as late as the next day.
  allowance_exhausted: { status: 429, title: "Daily allowance used up", retryable: false },
  allowance_unavailable: { status: 503, title: "Allowance unavailable", retryable: true },
});

/** The client error for each constraint and refusal code of this feature. */
export const constraintErrors = {
  model_limit_reached: {
    type: modelErrors.model_limit_reached,
    detail: `Model limit reached (${maxModels}). Delete one first.`,
  },
  model_not_found: { type: "not_found", detail: "You have no model with this ID." },
  model_display_name_taken: {
    type: modelErrors.display_name_taken,
    detail: "You already have a model with this display name. Choose another.",
  },
  model_key_needed: {
    type: "validation_failed",
    path: "api_key",
    detail: "is required again because the provider or the base URL changed",
  },
  data_key_taken: { type: "conflict", detail: "Another request was storing a key at the same time. Try again." },
} as const satisfies ConstraintErrors;

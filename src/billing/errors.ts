import { defineErrors, type ConstraintErrors } from "../kit/errors.ts";

export const billingErrors = defineErrors({
  insufficient_points: { status: 402, title: "Not enough points", retryable: false },
});

/** The client errors of this feature's constraints and refusal codes. */
export const constraintErrors = {
  spirit_unknown: { type: "validation_failed", path: "spirit_id", detail: "must be the ID of an active spirit" },
  plan_unknown: { type: "validation_failed", path: "plan_id", detail: "must be the ID of an active plan" },
  access_expires_after_granted: { type: "validation_failed", path: "expires_at", detail: "must be in the future" },
  points_not_negative: { type: billingErrors.insufficient_points, detail: "You do not have enough points." },
} as const satisfies ConstraintErrors;

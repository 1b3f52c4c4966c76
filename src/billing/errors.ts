import { defineErrors, type ConstraintErrors } from "../kit/errors.ts";

export const billingErrors = defineErrors({
  insufficient_points: { status: 402, title: "Not enough points", retryable: false },
});

/** What constraints and refusal codes of this feature mean to a client. */
export const constraintErrors = {
  spirit_unknown: { type: "validation_failed", path: "spirit_id", detail: "there is no such spirit" },
  plan_unknown: { type: "validation_failed", path: "plan_id", detail: "there is no such plan" },
  access_expires_after_granted: { type: "validation_failed", path: "expires_at", detail: "is in the past" },
  points_not_negative: { type: billingErrors.insufficient_points, detail: "There are not enough points." },
} as const satisfies ConstraintErrors;

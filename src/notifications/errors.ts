import type { ConstraintErrors } from "../kit/errors.ts";

/** The client errors of this feature's refusal codes. */
export const constraintErrors = {
  notification_not_found: { type: "not_found", detail: "Notification not found." },
} as const satisfies ConstraintErrors;

import type { ConstraintErrors } from "../kit/errors.ts";

/** What refusal codes of this feature mean to a client. */
export const constraintErrors = {
  notification_not_found: { type: "not_found", detail: "Notification not found." },
} as const satisfies ConstraintErrors;

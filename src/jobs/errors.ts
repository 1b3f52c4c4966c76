import type { ConstraintErrors } from "../kit/errors.ts";

/** What refusal codes of this feature mean to a client. */
export const constraintErrors = {
  failed_job_not_found: { type: "not_found", detail: "There is no such failed job." },
  failed_job_of_no_kind: { type: "conflict", detail: "This kind of job is no more, so it cannot be done again." },
} as const satisfies ConstraintErrors;

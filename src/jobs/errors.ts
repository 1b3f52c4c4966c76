import type { ConstraintErrors } from "../kit/errors.ts";

/** The client errors of this feature's refusal codes. */
export const constraintErrors = {
  failed_job_not_found: { type: "not_found", detail: "Failed job not found." },
  failed_job_of_no_kind: {
    type: "conflict",
    detail: "This job type no longer exists, so the job cannot be replayed. Discard it.",
  },
} as const satisfies ConstraintErrors;

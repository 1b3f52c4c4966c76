import type { ConstraintErrors } from "../kit/errors.ts";

/** What constraints and refusal codes of this feature mean to a client. */
export const constraintErrors = {
  conversation_not_found: { type: "not_found", detail: "There is no such conversation of yours." },
  conversation_limit_reached: {
    type: "conflict",
    detail: "You have as many conversations as anybody may: delete some.",
  },
} as const satisfies ConstraintErrors;

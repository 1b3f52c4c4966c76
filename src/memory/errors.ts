import type { ConstraintErrors } from "../kit/errors.ts";
import { maxFacts } from "./constants.ts";

/** The client error of each constraint and refusal code of this feature. */
export const constraintErrors = {
  memory_fact_not_found: { type: "not_found", detail: "Fact not found." },
  memory_fact_known: {
    type: "conflict",
    detail: "Another fact of this minion says the same. Edit that one, or delete one of the two.",
  },
  memory_limit_reached: { type: "conflict", detail: `Memory limit reached (${maxFacts} facts). Delete a fact first.` },
  memory_disabled: { type: "conflict", detail: "The memory of this minion is off. Turn it on first." },
} as const satisfies ConstraintErrors;

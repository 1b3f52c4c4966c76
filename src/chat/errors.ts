import type { ConstraintErrors } from "../kit/errors.ts";
import { maxConversations } from "./constants.ts";

/** The error of each constraint of this feature. */
export const constraintErrors = {
  conversation_not_found: { type: "not_found", detail: "Conversation not found." },
  conversation_limit_reached: {
    type: "conflict",
    detail: `Conversation limit reached (${maxConversations}). Delete one first.`,
  },
} as const satisfies ConstraintErrors;

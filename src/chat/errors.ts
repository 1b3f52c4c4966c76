import type { ConstraintErrors } from "../kit/errors.ts";
import { maxConversations, maxTemporaryConversations, temporaryHours } from "./constants.ts";

/** The error of each constraint of this feature. */
export const constraintErrors = {
  conversation_not_found: { type: "not_found", detail: "Conversation not found." },
  conversation_limit_reached: {
    type: "conflict",
    detail: `Conversation limit reached (${maxConversations}). Delete one first.`,
  },
  temporary_conversation_limit_reached: {
    type: "conflict",
    detail: `Temporary conversation limit reached (${maxTemporaryConversations}). Delete one first, or wait: each is deleted ${temporaryHours} hours after its last activity.`,
  },
  conversation_temporary: { type: "conflict", detail: "A temporary conversation cannot be forked. Create a new conversation." },
} as const satisfies ConstraintErrors;

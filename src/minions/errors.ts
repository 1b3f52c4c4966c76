import { defineErrors, type ConstraintErrors } from "../kit/errors.ts";
import { modelErrors } from "../models/errors.ts";

export const minionErrors = defineErrors({
  minion_limit_reached: { status: 409, title: "Minion limit reached", retryable: false },
  spirit_not_owned: { status: 402, title: "Spirit not owned", retryable: false },
  spirit_locked: { status: 403, title: "Spirit locked", retryable: false },
  spirit_limit_reached: { status: 409, title: "Spirit limit reached", retryable: false },
  spirit_already_equipped: { status: 409, title: "Spirit already equipped", retryable: false },
});

/** What constraints and refusal codes of this feature mean to a client. */
export const constraintErrors = {
  minion_not_binned: { type: "not_found", detail: "There is no such minion of yours in the bin." },
  minion_unknown: { type: "not_found", detail: "There is no such minion." },
  minion_not_found: { type: "not_found", detail: "There is no such minion of yours." },
  minion_limit_reached: { type: minionErrors.minion_limit_reached, detail: "Your plan allows no more minions." },
  minion_display_name_taken: { type: modelErrors.display_name_taken, detail: "You have a minion of this display name." },
  minion_model_owned: {
    type: "validation_failed",
    path: "model",
    detail: "there is no such model of yours that answers",
  },
  minion_fallback_owned: {
    type: "validation_failed",
    path: "fallback_models",
    detail: "names a model of yours that is not there, or does not answer",
  },
  minion_fallback_is_model: {
    type: "validation_failed",
    path: "fallback_models",
    detail: "names the model that they stand in for",
  },
  minion_model_is_fallback: {
    type: "validation_failed",
    path: "model",
    detail: "stands in for itself: take it out of `fallback_models`",
  },
  spirit_locked: { type: minionErrors.spirit_locked, detail: "Your rank has not unlocked this spirit yet." },
  spirit_not_owned: { type: minionErrors.spirit_not_owned, detail: "You do not own this spirit." },
  spirit_limit_reached: {
    type: minionErrors.spirit_limit_reached,
    detail: "Your plan allows no more spirits on a minion.",
  },
  spirit_already_equipped: {
    type: minionErrors.spirit_already_equipped,
    detail: "This spirit is equipped already.",
  },
  spirit_not_equipped: { type: "not_found", detail: "This spirit is not equipped." },
  traits_exceed_slots: {
    type: "validation_failed",
    path: "traits",
    detail: "the minion's level does not allow so many",
  },
  traits_exceed_points: {
    type: "validation_failed",
    path: "traits",
    detail: "the minion's rank does not have so many points to spread",
  },
} as const satisfies ConstraintErrors;

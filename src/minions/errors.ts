import { defineErrors, type ConstraintErrors } from "../kit/errors.ts";
import { modelErrors } from "../models/errors.ts";

export const minionErrors = defineErrors({
  minion_limit_reached: { status: 409, title: "Minion limit reached", retryable: false },
  spirit_not_owned: { status: 402, title: "Spirit not owned", retryable: false },
  spirit_locked: { status: 403, title: "Spirit locked", retryable: false },
  spirit_limit_reached: { status: 409, title: "Spirit limit reached", retryable: false },
  spirit_already_equipped: { status: 409, title: "Spirit already equipped", retryable: false },
});

/** The client error of each constraint and refusal code of this feature. */
export const constraintErrors = {
  minion_not_binned: { type: "not_found", detail: "This minion is not in your trash." },
  minion_unknown: { type: "not_found", detail: "Minion not found." },
  minion_not_found: { type: "not_found", detail: "Minion not found." },
  minion_limit_reached: {
    type: minionErrors.minion_limit_reached,
    detail: "You have reached the minion limit of your plan. Delete a minion or choose a larger plan.",
  },
  minion_display_name_taken: {
    type: modelErrors.display_name_taken,
    detail: "You already have a minion with this display name. Choose another one.",
  },
  minion_model_owned: {
    type: "validation_failed",
    path: "model",
    detail: "must be a built-in model or one of your active models",
  },
  minion_fallback_owned: {
    type: "validation_failed",
    path: "fallback_models",
    detail: "must contain only built-in models and your active models",
  },
  minion_fallback_is_model: {
    type: "validation_failed",
    path: "fallback_models",
    detail: "must not contain the minion's own model",
  },
  minion_model_is_fallback: {
    type: "validation_failed",
    path: "model",
    detail: "must not be in `fallback_models`: remove it there first",
  },
  spirit_locked: {
    type: minionErrors.spirit_locked,
    detail: "This spirit is locked at your rank. Gain experience to unlock it.",
  },
  spirit_not_owned: {
    type: minionErrors.spirit_not_owned,
    detail: "You do not own this spirit. Your plan or a grant must include it.",
  },
  spirit_limit_reached: {
    type: minionErrors.spirit_limit_reached,
    detail: "You have reached your plan's limit of spirits per minion. Unequip a spirit or choose a larger plan.",
  },
  spirit_already_equipped: {
    type: minionErrors.spirit_already_equipped,
    detail: "This spirit is already equipped.",
  },
  spirit_not_equipped: { type: "not_found", detail: "This spirit is not equipped on this minion." },
  traits_exceed_slots: {
    type: "validation_failed",
    path: "traits",
    detail: "exceeds the number of traits that the minion's level allows",
  },
  traits_exceed_points: {
    type: "validation_failed",
    path: "traits",
    detail: "exceeds the trait points that the minion's rank allows",
  },
} as const satisfies ConstraintErrors;

import * as auth from "../../auth/errors.ts";
import * as billing from "../../billing/errors.ts";
import * as datasets from "../../datasets/errors.ts";
import { commonConstraintErrors, type ConstraintErrors } from "../../kit/errors.ts";
import * as knowledge from "../../knowledge/errors.ts";
import * as memory from "../../memory/errors.ts";
import * as minions from "../../minions/errors.ts";
import * as models from "../../models/errors.ts";
import * as notifications from "../../notifications/errors.ts";
import * as chat from "../errors.ts";

/** The error of each constraint that a room can violate: those of this feature and of the features below it. */
export const roomConstraintErrors: ConstraintErrors = {
  ...commonConstraintErrors,
  ...auth.constraintErrors,
  ...notifications.constraintErrors,
  ...billing.constraintErrors,
  ...models.constraintErrors,
  ...datasets.constraintErrors,
  ...minions.constraintErrors,
  ...knowledge.constraintErrors,
  ...memory.constraintErrors,
  ...chat.constraintErrors,
};

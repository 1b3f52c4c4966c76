import * as billing from "./billing/hooks.ts";
import type { Hooks } from "./context.ts";

/** What features offer to those before them, in the order of the features. */
export const hooks: Hooks = {
  onUserCreated: (ctx, userId) => billing.onUserCreated(ctx, userId),
  subscriptionStatus: billing.subscriptionStatus,
};

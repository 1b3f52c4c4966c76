/** The closed sets of billing. The database checks them, the schemas validate them. */

/** What things are paid in: cents of a US dollar, or points. */
export const currencies = ["usd", "points"] as const;

export const purchaseStatuses = ["pending", "paid", "failed", "refunded"] as const;

/** `incomplete` was never paid for; `past_due` is owed for, and the provider still tries to collect. */
export const subscriptionStatuses = ["incomplete", "trialing", "active", "past_due", "cancelled"] as const;

/** In these a subscription runs until its period ends, and its owner takes out no other. */
export const liveStatuses = [
  "trialing",
  "active",
  "past_due",
] as const satisfies readonly (typeof subscriptionStatuses)[number][];

export const pointKinds = ["earned", "spent", "bonus", "refund"] as const;
export type PointKind = (typeof pointKinds)[number];

/** What a grant came with. */
export const grantSources = ["purchase", "bundle", "trial", "admin"] as const;

/** The kinds of right to a spirit. */
export const accessTypes = ["free", "subscription", "grant"] as const;

/** What a right to a spirit comes from: its tier, the Free Plan, the plan subscribed to, or a grant. */
export const accessSources = ["free_tier", "free_plan", "plan", ...grantSources] as const;

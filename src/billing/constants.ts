/** The enumerations of billing. Database constraints and request schemas check them. */

/** The currencies of prices: US cents or points. */
export const currencies = ["usd", "points"] as const;

export const purchaseStatuses = ["pending", "paid", "failed", "refunded"] as const;

/** `incomplete`: never paid. `past_due`: a payment is due and the provider still retries it. */
export const subscriptionStatuses = ["incomplete", "trialing", "active", "past_due", "cancelled"] as const;

/** In these statuses, a subscription is active until its period ends, and its owner cannot have another one. */
export const liveStatuses = [
  "trialing",
  "active",
  "past_due",
] as const satisfies readonly (typeof subscriptionStatuses)[number][];

export const pointKinds = ["earned", "spent", "bonus", "refund"] as const;
export type PointKind = (typeof pointKinds)[number];

/** The sources of a grant. */
export const grantSources = ["purchase", "bundle", "trial", "admin"] as const;

/** The types of access to a spirit. */
export const accessTypes = ["free", "subscription", "grant"] as const;

/** The sources of access to a spirit: its tier, the Free Plan, the subscribed plan, or a grant. */
export const accessSources = ["free_tier", "free_plan", "plan", ...grantSources] as const;

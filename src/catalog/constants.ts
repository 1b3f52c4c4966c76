/** The enums of the catalog. The database and the schemas check them, and a test compares them with `seed/progression.json`. */

/** Ranks from lowest to highest. */
export const ranks = ["Novice", "Skilled", "Specialist", "Expert", "Master", "Grandmaster", "Autonomous"] as const;
export type Rank = (typeof ranks)[number];

/** Levels inside one rank: 1–5. */
export const levelsPerRank = 5;

/** Tiers, cheapest first. */
export const tiers = ["free", "basic", "professional", "premium"] as const;

/** What a tool needs to run: nothing, a model, platform data, or a connected service. */
export const toolKinds = ["pure", "model", "platform", "connector"] as const;

export const billingCycles = ["monthly", "yearly"] as const;

/** The closed sets of the catalog. The database checks them, the schemas validate them, `seed/progression.json` is tested against them. */

/** Ranks from lowest to highest. */
export const ranks = ["Novice", "Skilled", "Specialist", "Expert", "Master", "Grandmaster", "Autonomous"] as const;
export type Rank = (typeof ranks)[number];

/** Levels inside one rank: 1–5. */
export const levelsPerRank = 5;

/** Tiers from cheapest to dearest. */
export const tiers = ["free", "basic", "professional", "premium"] as const;
type Tier = (typeof tiers)[number];

/** What a tool needs in order to run: nothing, a model, the platform's own data, or something the user connected. */
export const toolKinds = ["pure", "model", "platform", "connector"] as const;

export const billingCycles = ["monthly", "yearly"] as const;

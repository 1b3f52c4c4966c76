/** The closed sets of minions. The database checks them, the schemas validate them. */

/** Who sees a minion: its owner, or everybody, by name and standing on the leaderboard. */
export const visibilities = ["private", "public"] as const;

/** How passages are looked up for a minion. */
export const retrievalMethods = ["semantic", "keyword", "hybrid"] as const;

/** What experience came of. `admin` is given by hand, with a reason. */
export const experienceKinds = ["training", "usage", "admin"] as const;
export type ExperienceKind = (typeof experienceKinds)[number];

/** Why a spirit cannot be equipped, or one that is equipped does nothing. */
export const spiritFaults = ["spirit_locked", "spirit_not_owned", "spirit_limit_reached"] as const;
export type SpiritFault = (typeof spiritFaults)[number];

/** Why a base spirit of a minion's class does not work: one of those, or it was put away. */
export const missingReasons = [...spiritFaults, "spirit_not_equipped"] as const;
export type Absence = (typeof missingReasons)[number];

/** Days in which a minion that was deleted can be restored. */
export const trashRetentionDays = 30;

/** How many models may stand in for a minion's own. */
export const maxFallbacks = 3;

/** The traits, and how each shows. Names and relations are tested against `seed/progression.json`. */
export const traitDescriptions = {
  professional: "businesslike, courteous and to the point",
  friendly: "warm, informal and at ease with people",
  technical: "precise about details, terms and mechanisms",
  creative: "inventive, with images and unexpected ideas",
  analytical: "step by step, weighing evidence and alternatives",
  supportive: "patient and encouraging, mindful of how the user fares",
} as const satisfies Record<string, string>;

export type Trait = keyof typeof traitDescriptions;
export const traits = Object.keys(traitDescriptions) as [Trait, ...Trait[]];

/** How strong a trait is at most. */
export const maxIntensity = 10;

/** How well a minion knows a tool, from least to most. */
export const masteries = ["beginner", "intermediate", "advanced", "expert"] as const;
export type Mastery = (typeof masteries)[number];

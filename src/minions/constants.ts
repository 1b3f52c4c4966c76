/** The enums of minions. The database and the schemas check them. */

/** Who sees a minion: its owner only, or everybody on the leaderboard. */
export const visibilities = ["private", "public"] as const;

/** How passages are retrieved for a minion. */
export const retrievalMethods = ["semantic", "keyword", "hybrid"] as const;

/** Sources of experience. An administrator grants `admin` experience with a reason. */
export const experienceKinds = ["training", "usage", "admin"] as const;
export type ExperienceKind = (typeof experienceKinds)[number];

/** Why a spirit cannot be equipped, or why an equipped spirit is inactive. */
export const spiritFaults = ["spirit_locked", "spirit_not_owned", "spirit_limit_reached"] as const;
export type SpiritFault = (typeof spiritFaults)[number];

/** Why a base spirit of a minion's class is not active: one of those reasons, or it is not equipped. */
export const missingReasons = [...spiritFaults, "spirit_not_equipped"] as const;
export type Absence = (typeof missingReasons)[number];

/** Days for which a deleted minion can be restored. */
export const trashRetentionDays = 30;

/** Maximum number of fallback models of a minion. */
export const maxFallbacks = 3;

/** The traits and their descriptions in the prompt. Names and relations are tested against `seed/progression.json`. */
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

/** Maximum intensity of a trait. */
export const maxIntensity = 10;

/** Mastery levels of a tool, lowest first. */
export const masteries = ["beginner", "intermediate", "advanced", "expert"] as const;
export type Mastery = (typeof masteries)[number];

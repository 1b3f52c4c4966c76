/** Enumerations and limits of memories. The database and the schemas check them. */

/** Who wrote a fact: its owner, or the model, whose owner approved it. */
export const factSources = ["owner", "model"] as const;
export type FactSource = (typeof factSources)[number];

/** Maximum facts of a minion, and characters of a fact: a room holds all of them in memory. */
export const maxFacts = 500;
export const maxFactLength = 1_000;

/** Up to this number of facts, a turn takes all that fit; above it, those that a search for the message finds. */
export const searchAbove = 50;

/** Maximum tokens of all facts in a prompt. */
export const maxMemoryTokens = 1_000;

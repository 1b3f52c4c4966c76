import { retrievalMethods } from "../minions/constants.ts";

/** The closed sets of knowledge bases. The database checks them, the schemas validate them. */

export { retrievalMethods };
export type RetrievalMethod = (typeof retrievalMethods)[number];

/** How a text is cut. */
export const chunkStrategies = ["auto", "markdown", "code", "prose"] as const;

/**
 * What a new build does with the one before: `append` keeps it and adds the datasets that it lacks; the others hold the given
 * datasets alone, and `smart_replace` takes the vectors of texts that have not changed.
 */
export const updateStrategies = ["append", "replace", "smart_replace"] as const;
export type UpdateStrategy = (typeof updateStrategies)[number];

/** `building` is not to be seen; `complete` may be the active one, or the one before; `failed` says why. */
export const buildStatuses = ["building", "complete", "failed"] as const;

export const maxBases = 20;
/** What one knowledge base may hold, and how many datasets it is made of. */
export const maxChunks = 100_000;
export const maxDatasets = 100;

/** Up to so many chunks are compared one by one. */
export const exactChunks = 20_000;

/** The dimensions that have an index; vectors of other lengths are always compared one by one. Above 2,000, the index has half precision. */
export const indexedDimensions = [384, 768, 1024, 1536, 3072] as const;
export const halfPrecisionAbove = 2_000;
export const maxDimensions = 4_000;

import { retrievalMethods } from "../minions/constants.ts";

/** Enumerations and limits of knowledge bases. The database and the schemas check them. */

export { retrievalMethods };
export type RetrievalMethod = (typeof retrievalMethods)[number];

/** How a text is split into chunks. */
export const chunkStrategies = ["auto", "markdown", "code", "prose"] as const;

/**
 * How a new build treats the active build: `append` keeps its datasets and adds the missing ones. `replace` and `smart_replace`
 * contain the given datasets only; `smart_replace` reuses the vectors of unchanged texts.
 */
export const updateStrategies = ["append", "replace", "smart_replace"] as const;
export type UpdateStrategy = (typeof updateStrategies)[number];

/** A `building` build is not searched. A `complete` build is the active or the previous one. A `failed` build has an error. */
export const buildStatuses = ["building", "complete", "failed"] as const;

export const maxBases = 20;
/** The maximum numbers of chunks and datasets per knowledge base. */
export const maxChunks = 100_000;
export const maxDatasets = 100;

/** Up to this number of chunks, a search compares every vector; above it, it uses the index. */
export const exactChunks = 20_000;

/** The dimensions that have an index. Vectors of other lengths are always compared one by one. Above 2,000, the index has half precision. */
export const indexedDimensions = [384, 768, 1024, 1536, 3072] as const;
export const halfPrecisionAbove = 2_000;
export const maxDimensions = 4_000;

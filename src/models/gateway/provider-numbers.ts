import type { LanguageModelV4Usage } from "@ai-sdk/provider";
import * as z from "zod";

/** Numbers that providers report, as they are stored and counted. A provider can report anything. */

/** The greatest count: it fits into an `integer` of Postgres. */
export const maxCount = 2_147_483_647;

/** A count: a whole number from 0 to `maxCount`, or its digits in a string; undefined for anything else. */
export function toCount(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,10}$/.test(value.trim()) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= maxCount ? number : undefined;
}

/** A length, such as that of a context window: a count of at least 1, or null. */
export const Length = z
  .unknown()
  .optional()
  .transform((value) => toCount(value) || null);

/**
 * The usage of a call, as far as it can be: counts, the cached tokens among those of the prompt, the reasoning tokens among those of
 * the answer. What cannot be is undefined.
 */
export function normalizeUsage(reported: LanguageModelV4Usage | undefined): LanguageModelV4Usage {
  const input = toCount(reported?.inputTokens?.total);
  const cacheRead = within(reported?.inputTokens?.cacheRead, input);
  const cacheWrite = within(reported?.inputTokens?.cacheWrite, input, cacheRead);
  const output = toCount(reported?.outputTokens?.total);
  const reasoning = within(reported?.outputTokens?.reasoning, output);
  const rest = (total: number | undefined, ...parts: (number | undefined)[]) =>
    total === undefined ? undefined : parts.reduce<number>((left, part) => left - (part ?? 0), total);
  return {
    inputTokens: { total: input, noCache: rest(input, cacheRead, cacheWrite), cacheRead, cacheWrite },
    outputTokens: { total: output, text: rest(output, reasoning), reasoning },
  };
}

/** A part of a total, beside another part; undefined if it exceeds what they leave. */
function within(part: unknown, total: number | undefined, other = 0): number | undefined {
  const count = toCount(part);
  return count !== undefined && total !== undefined && count <= total - other ? count : undefined;
}

/** The greatest component of a vector: that of half precision, in which long vectors are indexed. */
const maxComponent = 65_504;

/** The least size of the greatest component: below it, half precision rounds the vector to zero, which has no direction. */
const minLargestComponent = 1e-6;

/**
 * What is wrong with the embeddings of `count` texts, for an error: "2 vectors for 3 texts"; undefined if nothing is.
 * All vectors have the same length.
 */
export function embeddingFault(embeddings: unknown, count: number): string | undefined {
  if (!Array.isArray(embeddings)) return "no vectors";
  const vectors: readonly unknown[] = embeddings;
  if (vectors.length !== count) return `${vectors.length} vectors for ${count} texts`;
  const [first] = vectors;
  for (const vector of vectors) {
    if (!Array.isArray(vector) || vector.length === 0) return "an empty vector";
    if (vector.length !== (first as unknown[]).length) return "vectors of different lengths";
    let largest = 0;
    for (const component of vector as unknown[]) {
      if (typeof component !== "number" || !(Math.abs(component) <= maxComponent))
        return `a vector with a component that is not a number between -${maxComponent} and ${maxComponent}`;
      largest = Math.max(largest, Math.abs(component));
    }
    if (largest < minLargestComponent) return "a vector of zeros";
  }
  return undefined;
}

import { TooManyEmbeddingValuesForCallError, type EmbeddingModelV4 } from "@ai-sdk/provider";
import { estimateTokens } from "../../gateway/tokens.ts";
import { fold, isFunctionWord } from "./words.ts";

export const dimensions = 384;

/** Texts in one call: some tens of milliseconds of computing, after which others get their turn. */
const maxEmbeddingsPerCall = 256;

const shortestGram = 3;
const longestGram = 5;

/** What a feature weighs. Parts of words lead, since they survive inflection and compounding. */
const weights = { word: 0.5, pair: 0.3, functionWord: 0.1 };

/** A word, or a letter of a script that writes no spaces. */
const words = /[\p{L}&&[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]]|[[\p{L}\p{M}\p{N}]--[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]]+/gv;

/** FNV-1a: its offset basis and prime for 32 bits. */
const basis = 0x811c9dc5;
const prime = 0x01000193;

/**
 * Signed feature hashing (Weinberger et al., 2009, https://arxiv.org/abs/0902.2206) of words, pairs of words, and the 3–5
 * letters that begin anywhere in a word. Words count by the root of their number, those of grammar hardly. The result has
 * length 1, and is the same on every machine: integers are hashed, and sums and roots round as IEEE 754 says.
 */
export function embedText(text: string): number[] {
  const vector = Array<number>(dimensions).fill(0);
  const counts = new Map<string, number>();
  let previous: { hash: number; weight: number } | undefined;
  for (const [word] of fold(text).matchAll(words)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
    const current = { hash: hashOf(word), weight: isFunctionWord(word) ? weights.functionWord : 1 };
    if (previous !== undefined) {
      add(vector, Math.imul(previous.hash, prime) ^ current.hash, weights.pair * previous.weight * current.weight);
    }
    previous = current;
  }
  for (const [word, count] of counts) {
    addWord(vector, word, Math.sqrt(count) * (isFunctionWord(word) ? weights.functionWord : 1));
  }
  return normalized(vector);
}

function hashOf(word: string): number {
  let hash = basis;
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), prime);
  return hash;
}

/** Adds a word and its parts. The more parts, the less each of them counts, so that long words do not drown the others. */
function addWord(vector: number[], word: string, weight: number): void {
  const marked = `^${word}`;
  let grams = 0;
  for (let length = shortestGram; length <= longestGram; length += 1) grams += Math.max(0, marked.length - length + 1);
  const part = weight / Math.sqrt(Math.sqrt(grams));
  for (let start = 0; start <= marked.length - shortestGram; start += 1) {
    let hash = basis;
    const end = Math.min(marked.length, start + longestGram);
    for (let at = start; at < end; at += 1) {
      hash = Math.imul(hash ^ marked.charCodeAt(at), prime);
      if (at - start + 1 >= shortestGram) add(vector, hash, part);
    }
  }
  add(vector, ~hashOf(word), weight * weights.word);
}

/** Adds a feature, with the sign and at the place that its hash says (mixed as MurmurHash3 ends). */
function add(vector: number[], hash: number, weight: number): void {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  vector[((mixed >>> 16) * dimensions) >>> 16]! += mixed & 1 ? weight : -weight;
}

/** The vector at length 1. A text without a word has a fixed direction, since the cosine with a zero vector is undefined. */
function normalized(vector: number[]): number[] {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector.map((_, at) => (at === 0 ? 1 : 0)) : vector.map((value) => value / length);
}

/** `builtin/hashing-384`: embeds by computing alone. */
export function hashingModel(): EmbeddingModelV4 {
  const [provider, modelId] = ["builtin", "hashing-384"];
  return {
    specificationVersion: "v4",
    provider,
    modelId,
    maxEmbeddingsPerCall,
    supportsParallelCalls: false,
    async doEmbed({ values, abortSignal, dimensions: wanted = dimensions }) {
      abortSignal?.throwIfAborted();
      if (values.length > maxEmbeddingsPerCall) {
        throw new TooManyEmbeddingValuesForCallError({ provider, modelId, maxEmbeddingsPerCall, values });
      }
      return {
        embeddings: values.map(embedText),
        usage: { tokens: values.reduce((sum, value) => sum + estimateTokens(value), 0) },
        warnings:
          wanted === dimensions
            ? []
            : [{ type: "unsupported", feature: "dimensions", details: `This model always returns ${dimensions} dimensions.` }],
      };
    },
  };
}

import { TooManyEmbeddingValuesForCallError, type EmbeddingModelV4 } from "@ai-sdk/provider";
import { WorkMeter } from "../../../kit/async/work-meter.ts";
import { estimateTokens } from "../../gateway/tokens.ts";
import { fold, isFunctionWord } from "./words.ts";

export const dimensions = 384;

/** The maximum number of texts per call, which take some tens of milliseconds of CPU time. */
const maxEmbeddingsPerCall = 256;

/** The work on a character of a text. */
const unitsPerCharacter = 40;

const shortestGram = 3;
const longestGram = 5;

/** The weights of features. Parts of words have the highest weight, because inflections and compounds share them. */
const weights = { word: 0.5, pair: 0.3, functionWord: 0.1 };

/** A word, or a letter of a script without spaces. */
const words = /[\p{L}&&[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]]|[[\p{L}\p{M}\p{N}]--[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]]+/gv;

/** The 32-bit offset basis and prime of FNV-1a. */
const basis = 0x811c9dc5;
const prime = 0x01000193;

/**
 * Signed feature hashing (Weinberger et al., 2009, https://arxiv.org/abs/0902.2206) of words, pairs of words, and letter n-grams of
 * length 3 to 5 within words. The weight of a word is the square root of its count; function words have a low weight. The vector has
 * length 1 and is the same on every machine: it hashes integers, and sums and roots round as in IEEE 754.
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

/** Adds a word and its n-grams. The weight of each n-gram decreases with their number, so that long words do not dominate. */
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

/** Adds a feature with the sign and the index from its hash, mixed with the finalizer of MurmurHash3. */
function add(vector: number[], hash: number, weight: number): void {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  vector[((mixed >>> 16) * dimensions) >>> 16]! += mixed & 1 ? weight : -weight;
}

/** Scales a vector to length 1. A text without words gets a fixed unit vector, because the cosine of a zero vector is undefined. */
function normalized(vector: number[]): number[] {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector.map((_, at) => (at === 0 ? 1 : 0)) : vector.map((value) => value / length);
}

/** `builtin/hashing-384`: an embedding model without weights. */
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
      const work = new WorkMeter();
      const embeddings: number[][] = [];
      for (const value of values) {
        await work.spend(value.length * unitsPerCharacter);
        embeddings.push(embedText(value));
      }
      return {
        embeddings,
        usage: { tokens: values.reduce((sum, value) => sum + estimateTokens(value), 0) },
        warnings:
          wanted === dimensions
            ? []
            : [{ type: "unsupported", feature: "dimensions", details: `This model always returns ${dimensions} dimensions.` }],
      };
    },
  };
}

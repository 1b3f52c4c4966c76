import { cosineSimilarity, embed, embedMany } from "ai";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dimensions, embedText, hashingModel } from "../../../../src/models/providers/builtin/hashing-embedding.ts";
import { openEmbeddingModel } from "../../../../src/models/providers/registry.ts";
import { questions } from "../../support/questions.ts";

const model = await openEmbeddingModel("builtin/hashing-384");

function similarity(a: string, b: string): number {
  return cosineSimilarity(embedText(a), embedText(b));
}

/** Every word alike, whole, and as often as it occurs: what the weights are better than. */
function plainEmbedding(text: string): number[] {
  const vector = Array<number>(dimensions).fill(0);
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    let hash = 0;
    for (const letter of word) hash = (Math.imul(hash, 31) + letter.codePointAt(0)!) | 0;
    vector[(Math.imul(hash, 0x9e3779b1) >>> 8) % dimensions]! += hash & 1 ? 1 : -1;
  }
  return vector;
}

/** How many of the questions find their passage among the first `k`, as a fraction. */
function recallAt(k: number, embedding: (text: string) => number[]): number {
  const passages = questions.map(({ passage }) => embedding(passage));
  const found = questions.filter(({ question }, own) => {
    const embedded = embedding(question);
    const scores = passages.map((passage) => cosineSimilarity(embedded, passage));
    return scores.filter((score) => score > scores[own]!).length < k;
  });
  return found.length / questions.length;
}

describe("the hashed embedding", () => {
  test("it finds the passages of paraphrased questions, far more than word overlap does", () => {
    expect(recallAt(1, embedText)).toBeGreaterThanOrEqual(0.8);
    expect(recallAt(3, embedText)).toBeGreaterThanOrEqual(0.9);
    expect(recallAt(3, plainEmbedding)).toBeLessThan(0.7);
  });

  test("it has 384 dimensions and length 1 for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const vector = embedText(text);
        expect(vector).toHaveLength(dimensions);
        expect(Math.abs(Math.hypot(...vector) - 1)).toBeLessThan(1e-6);
      }),
    );
  });

  test("equal texts have a cosine of 1", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        expect(embedText(text)).toEqual(embedText(text));
        expect(similarity(text, text)).toBeCloseTo(1, 6);
      }),
    );
  });

  test("its vectors are the same in every version, because they are stored", () => {
    const [a, b, c] = ["The quick brown fox jumps over the lazy dog.", "Größe, naïveté и Ёлка", "東京は日本の首都です。"].map(
      (text) => embedText(text).reduce((sum, value, at) => sum + value * at, 0),
    );
    expect([a, b, c].map((sum) => sum!.toFixed(9))).toMatchInlineSnapshot(`
      [
        "60.142129837",
        "69.230311418",
        "-236.057277937",
      ]
    `);
  });

  test.each(["", " \n\t", "!?…", "🚀"])("a text without words (%j) is one fixed direction", (text) => {
    expect(embedText(text)).toEqual(embedText(""));
    expect(Math.hypot(...embedText(text))).toBe(1);
  });

  test.each([
    ["delivery of parcels", "parcels are delivered", "the colour of the sky"],
    ["How do I reset my password?", "Resetting passwords", "How do I bake my bread?"],
    ["Kündigungsfristen", "Frist der Kündigung", "Öffnungszeiten"],
    ["東京の天気", "天気は東京で晴れ", "大阪の食べ物"],
  ])("%j is nearer to %j than to %j", (text, similar, unrelated) => {
    expect(similarity(text, similar)).toBeGreaterThan(similarity(text, unrelated) + 0.1);
  });

  test("case, accents and compatibility forms are ignored", () => {
    expect(embedText("CAFÉ ﬁne Ａ１")).toEqual(embedText("cafe fine a1"));
  });

  test("the embedding of a hundred thousand characters has length 1", () => {
    for (const text of ["lorem ipsum dolor ".repeat(6_000), "x".repeat(100_000)]) {
      expect(Math.hypot(...embedText(text))).toBeCloseTo(1, 5);
    }
  });
});

describe("builtin/hashing-384 as a model of the AI SDK", () => {
  test("it embeds one value", async () => {
    const { embedding, usage, warnings } = await embed({ model, value: "What is a minion?" });
    expect(embedding).toEqual(embedText("What is a minion?"));
    expect(usage.tokens).toBe(5);
    expect(warnings).toEqual([]);
  });

  test("it embeds many values in order, also in more than one call", async () => {
    const values = Array.from({ length: 600 }, (_, index) => `text number ${index}`);
    const { embeddings } = await embedMany({ model, values });
    expect(embeddings).toEqual(values.map(embedText));
  });

  test("it refuses too many values and aborted calls, and warns about other dimensions", async () => {
    const values = Array<string>(257).fill("x");
    await expect(hashingModel().doEmbed({ values })).rejects.toThrow("Too many values");
    await expect(hashingModel().doEmbed({ values: ["x"], abortSignal: AbortSignal.abort() })).rejects.toThrow("abort");
    const { warnings } = await hashingModel().doEmbed({ values: ["x"], dimensions: 1024 });
    expect(warnings).toEqual([
      { type: "unsupported", feature: "dimensions", details: "This model always returns 384 dimensions." },
    ]);
  });
});

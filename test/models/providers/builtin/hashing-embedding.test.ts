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
    const asked = embedding(question);
    const scores = passages.map((passage) => cosineSimilarity(asked, passage));
    return scores.filter((score) => score > scores[own]!).length < k;
  });
  return found.length / questions.length;
}

describe("the hashed embedding", () => {
  test("finds the passages of paraphrased questions, and far more of them than plain words do", () => {
    expect(recallAt(1, embedText)).toBeGreaterThanOrEqual(0.8);
    expect(recallAt(3, embedText)).toBeGreaterThanOrEqual(0.9);
    expect(recallAt(3, plainEmbedding)).toBeLessThan(0.7);
  });

  test("has 384 dimensions and length 1, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const vector = embedText(text);
        expect(vector).toHaveLength(dimensions);
        expect(Math.abs(Math.hypot(...vector) - 1)).toBeLessThan(1e-6);
      }),
    );
  });

  test("is the same for the same text, at cosine 1", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        expect(embedText(text)).toEqual(embedText(text));
        expect(similarity(text, text)).toBeCloseTo(1, 6);
      }),
    );
  });

  test("was the same in every version: vectors are stored", () => {
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

  test.each(["", " \n\t", "!?…", "🚀"])("of %j, a text without words, is one fixed direction", (text) => {
    expect(embedText(text)).toEqual(embedText(""));
    expect(Math.hypot(...embedText(text))).toBe(1);
  });

  test.each([
    ["delivery of parcels", "parcels are delivered", "the colour of the sky"],
    ["How do I reset my password?", "Resetting passwords", "How do I bake my bread?"],
    ["Kündigungsfristen", "Frist der Kündigung", "Öffnungszeiten"],
    ["東京の天気", "天気は東京で晴れ", "大阪の食べ物"],
  ])("puts %j nearer to %j than to %j", (text, similar, unrelated) => {
    expect(similarity(text, similar)).toBeGreaterThan(similarity(text, unrelated) + 0.1);
  });

  test("ignores case, accents and compatibility forms", () => {
    expect(embedText("CAFÉ ﬁne Ａ１")).toEqual(embedText("cafe fine a1"));
  });

  test("has length 1 for texts of a hundred thousand characters", () => {
    for (const text of ["lorem ipsum dolor ".repeat(6_000), "x".repeat(100_000)]) {
      expect(Math.hypot(...embedText(text))).toBeCloseTo(1, 5);
    }
  });
});

describe("builtin/hashing-384 as a model of the AI SDK", () => {
  test("embeds one value", async () => {
    const { embedding, usage, warnings } = await embed({ model, value: "What is a minion?" });
    expect(embedding).toEqual(embedText("What is a minion?"));
    expect(usage.tokens).toBe(5);
    expect(warnings).toEqual([]);
  });

  test("embeds many values in their order, also more than one call takes", async () => {
    const values = Array.from({ length: 600 }, (_, index) => `text number ${index}`);
    const { embeddings } = await embedMany({ model, values });
    expect(embeddings).toEqual(values.map(embedText));
  });

  test("refuses more values in one call than it says it takes, a call that was aborted, and other dimensions by a warning", async () => {
    const values = Array<string>(257).fill("x");
    await expect(hashingModel().doEmbed({ values })).rejects.toThrow("Too many values");
    await expect(hashingModel().doEmbed({ values: ["x"], abortSignal: AbortSignal.abort() })).rejects.toThrow("abort");
    const { warnings } = await hashingModel().doEmbed({ values: ["x"], dimensions: 1024 });
    expect(warnings).toEqual([
      { type: "unsupported", feature: "dimensions", details: "This model always returns 384 dimensions." },
    ]);
  });
});

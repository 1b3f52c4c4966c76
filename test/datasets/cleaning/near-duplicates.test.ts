import { describe, expect, test } from "vitest";
import { NearDuplicates } from "../../../src/datasets/cleaning/near-duplicates.ts";
import { shingles, similarity, sketchSize } from "../../../src/datasets/cleaning/minhash.ts";
import { seededRandom } from "../../support/random.ts";

/** The Jaccard similarity of the 5-grams of two texts, by their sets. */
function jaccard(first: string, second: string): number {
  const sets = [first, second].map(
    (text) => new Set(Array.from({ length: text.length - 4 }, (_, at) => text.slice(at, at + 5))),
  );
  const shared = [...sets[0]!].filter((gram) => sets[1]!.has(gram)).length;
  return shared / (sets[0]!.size + sets[1]!.size - shared);
}

const random = seededRandom(20_261_125);
const pick = (count: number) => Math.floor(random() * count);
const words = Array.from({ length: 3_000 }, () =>
  Array.from({ length: 2 + pick(8) }, () => String.fromCharCode(97 + pick(26))).join(""),
);
const wordsOf = (count: number) => Array.from({ length: count }, () => words[pick(words.length)]!);

/** A text, and one of which so many words are others. */
function pairOf(count: number, changed: number): [string, string] {
  const first = wordsOf(count);
  const second = [...first];
  for (let change = 0; change < changed; change++) second[pick(count)] = words[pick(words.length)]!;
  return [first.join(" "), second.join(" ")];
}

/** Pairs of all similarities, most of them near the threshold, of texts of 60 to 6,000 characters. */
const pairs = [12, 40, 120, 400, 900]
  .flatMap((count) =>
    Array.from({ length: count > 300 ? 60 : 200 }, (_, index) => pairOf(count, Math.round((count * (index % 20)) / 200))),
  )
  .map(([first, second]) => ({ first, second, truth: jaccard(first, second) }));

const isFound = ({ first, second }: (typeof pairs)[number]) => {
  const texts = new NearDuplicates();
  texts.add(first);
  return !texts.add(second);
};

describe("near duplicates compared with exact 5-gram sets", () => {
  const exact = pairs.filter(({ first }) => shingles(first).length < sketchSize * 0.95);
  const long = pairs.filter((pair) => !exact.includes(pair));

  test("short near duplicates are found exactly", () => {
    const near = exact.filter(({ truth }) => truth >= 0.9);
    expect(near.length).toBeGreaterThan(100);
    expect(exact.length - near.length).toBeGreaterThan(100);
    expect(exact.filter((pair) => isFound(pair) && pair.truth < 0.9)).toEqual([]);
    expect(near.filter(isFound).length / near.length).toBeGreaterThanOrEqual(0.99);
  });

  test("long near duplicates are found, except at the threshold", () => {
    const near = long.filter(({ truth }) => truth >= 0.94);
    const far = long.filter(({ truth }) => truth < 0.86);
    expect(near.length).toBeGreaterThan(30);
    expect(far.length).toBeGreaterThan(30);
    expect(far.filter(isFound)).toEqual([]);
    expect(near.filter((pair) => !isFound(pair))).toEqual([]);
    const found = long.filter(isFound);
    expect(found.filter(({ truth }) => truth >= 0.9).length / found.length).toBeGreaterThanOrEqual(0.95);
  });

  test("the similarity is estimated within the documented error", () => {
    const sketchOf = (text: string) => ({ values: shingles(text).subarray(0, sketchSize), count: shingles(text).length });
    const errors = pairs.map(({ first, second, truth }) => similarity(sketchOf(first), sketchOf(second)) - truth);
    const errorsOf = (some: typeof pairs) => some.map((pair) => errors[pairs.indexOf(pair)]!);
    expect(Math.max(...errorsOf(exact).map(Math.abs))).toBeLessThan(1e-9);
    const longErrors = errorsOf(long.filter(({ truth }) => truth > 0.8));
    const deviation = Math.sqrt(longErrors.reduce((sum, error) => sum + error ** 2, 0) / longErrors.length);
    expect(deviation).toBeLessThan(0.02);
  });

  test("near duplicates are found among thousands of texts once each, without false ones", () => {
    const originals = Array.from({ length: 3_000 }, () => wordsOf(20 + pick(60)).join(" "));
    const copies = originals.slice(0, 300).map((text) => `${text} ${words[pick(words.length)]!}`);
    const truths = copies.map((copy, index) => jaccard(copy, originals[index]!) >= 0.9);
    const texts = new NearDuplicates();
    expect(originals.filter((text) => !texts.add(text))).toEqual([]);
    expect(copies.map((copy) => !texts.add(copy))).toEqual(truths);
    expect(truths.filter(Boolean).length).toBeGreaterThan(200);
  });
});

describe("the limits of the near-duplicate index", () => {
  const distinct = Array.from({ length: 40 }, () => wordsOf(30).join(" "));

  test.each([
    ["the latest texts", { maxRows: 10, maxValues: 1_000_000, maxCandidates: 64 }],
    ["as many texts as fit", { maxRows: 1_000, maxValues: 2_400, maxCandidates: 64 }],
  ])("the index keeps %s", (_, bounds) => {
    const texts = new NearDuplicates(bounds);
    expect(distinct.every((text) => texts.add(text))).toBe(true);
    const remembered = distinct.map((text) => !probe(bounds, text));
    const first = remembered.indexOf(true);
    expect(first).toBeGreaterThan(20);
    expect(first).toBeLessThan(35);
    expect(remembered.slice(first).every(Boolean)).toBe(true);
  });

  /** Whether a text is new to a collection that has seen them all. */
  function probe(bounds: ConstructorParameters<typeof NearDuplicates>[0], text: string): boolean {
    const texts = new NearDuplicates(bounds);
    for (const each of distinct) texts.add(each);
    return texts.add(text);
  }

  test("the empty text and a single letter are indexed too", () => {
    const texts = new NearDuplicates();
    expect(["", "a", "b", "", "a"].map((text) => texts.add(text))).toEqual([true, true, true, false, false]);
  });
});

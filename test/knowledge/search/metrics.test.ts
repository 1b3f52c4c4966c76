import { describe, expect, test } from "vitest";
import { mean, ndcgAt, percentile, recallAt, reciprocalRankAt } from "../../../src/knowledge/search/metrics.ts";

// Worked out by hand, after Manning, Raghavan and Schütze, Introduction to Information Retrieval (2008), chapter 8,
// and Järvelin and Kekäläinen (2002).

const ranked = ["d3", "d1", "d9", "d4", "d7", "d2"];

describe("recall", () => {
  test.each([
    { k: 1, relevant: ["d1", "d2"], recall: 0 },
    { k: 2, relevant: ["d1", "d2"], recall: 1 / 2 },
    { k: 5, relevant: ["d1", "d2", "d3"], recall: 2 / 3 },
    { k: 6, relevant: ["d1", "d2", "d3"], recall: 1 },
    { k: 10, relevant: ["d1", "d8", "d5", "d6"], recall: 1 / 4 },
  ])("the recall of $relevant in the first $k is $recall", ({ k, relevant, recall }) => {
    expect(recallAt(k, ranked, relevant)).toBeCloseTo(recall, 12);
  });
});

describe("reciprocal rank", () => {
  test.each([
    { k: 10, relevant: ["d3"], rank: 1 },
    { k: 10, relevant: ["d4", "d9"], rank: 1 / 3 },
    { k: 6, relevant: ["d2"], rank: 1 / 6 },
    { k: 5, relevant: ["d2"], rank: 0 },
    { k: 10, relevant: ["d8"], rank: 0 },
  ])("the reciprocal rank of $relevant in the first $k is $rank", ({ k, relevant, rank }) => {
    expect(reciprocalRankAt(k, ranked, relevant)).toBe(rank);
  });

  test("the mean of the ranks 1, 3 and none is four ninths", () => {
    const ranks = [["d3"], ["d9"], ["d8"]].map((relevant) => reciprocalRankAt(10, ranked, relevant));
    expect(mean(ranks)).toBeCloseTo(4 / 9, 12);
  });
});

describe("normalized discounted cumulative gain", () => {
  // The discounts of the places 1 to 6: log2 of 2, 3, 4, 5, 6, 7.
  test.each([
    { k: 10, relevant: ["d3"], ndcg: 1 },
    { k: 10, relevant: ["d1"], ndcg: 0.6309297535714575 },
    { k: 10, relevant: ["d9"], ndcg: 0.5 },
    // (1 / 1 + 1 / 2) / (1 / 1 + 1 / 1.58496)
    { k: 10, relevant: ["d3", "d9"], ndcg: 0.9197207891481876 },
    // (1 / 1.58496 + 1 / 2.80735) / (1 + 1 / 1.58496 + 1 / 2), one of the three is not there
    { k: 10, relevant: ["d1", "d2", "d8"], ndcg: 0.4632423659320675 },
    // Only the first two count, in the best order too.
    { k: 2, relevant: ["d1", "d9", "d4"], ndcg: 0.6309297535714575 / 1.6309297535714575 },
    { k: 10, relevant: ["d8"], ndcg: 0 },
  ])("the gain of $relevant in the first $k is $ndcg", ({ k, relevant, ndcg }) => {
    expect(ndcgAt(k, ranked, relevant)).toBeCloseTo(ndcg, 9);
  });

  test("the order of the relevant passages does not matter", () => {
    expect(ndcgAt(10, ranked, ["d2", "d3", "d9"])).toBe(ndcgAt(10, ranked, ["d9", "d2", "d3"]));
  });
});

describe("percentile", () => {
  // The example of the nearest rank: 5 %, 30 %, 40 %, 50 % and 100 % of five numbers.
  test.each([
    [0.05, 15],
    [0.3, 20],
    [0.4, 20],
    [0.5, 35],
    [1, 50],
    [0, 15],
  ])("the percentile %f is the nearest rank", (part, expected) => {
    expect(percentile([35, 20, 15, 50, 40], part)).toBe(expected);
  });

  test("the input is not changed", () => {
    const given = [3, 1, 2];
    percentile(given, 0.5);
    expect(given).toEqual([3, 1, 2]);
  });
});

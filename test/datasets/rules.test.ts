import { describe, expect, test } from "vitest";
import { qualityScore, type RowCounts } from "../../src/datasets/rules.ts";

describe("the quality score", () => {
  const counts = (given: Partial<RowCounts>): RowCounts => ({
    kept: 0,
    unreadable: 0,
    empty: 0,
    malformed: 0,
    too_long: 0,
    duplicate: 0,
    near_duplicate: 0,
    ...given,
  });

  test.each([
    [{}, 0],
    [{ kept: 7 }, 100],
    [{ unreadable: 7 }, 0],
    // 1 − (1 + 1 + 1 + 1 + ½ × 2) ÷ 10 = 0.5
    [{ kept: 4, unreadable: 1, empty: 1, malformed: 1, too_long: 1, duplicate: 1, near_duplicate: 1 }, 50],
    // 1 − ½ × 3 ÷ 4 = 0.625
    [{ kept: 1, duplicate: 3 }, 62],
    // 1 − 1 ÷ 1000 = 0.999: one row of a thousand is not nothing
    [{ kept: 999, malformed: 1 }, 99],
    [{ near_duplicate: 2, empty: 1 }, 33],
  ])("the score of %j is %i", (given, score) => {
    expect(qualityScore(counts(given))).toBe(score);
  });
});

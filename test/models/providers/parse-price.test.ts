import { describe, expect, test } from "vitest";
import { microDollars } from "../../../src/models/providers/parse-price.ts";

const perToken = 1e12;
const perMillion = 1e6;

describe("a published price", () => {
  test.each([
    ["0.0000025", perToken, 2_500_000],
    ["2.5e-6", perToken, 2_500_000],
    [0.1, perMillion, 100_000],
    // 0.29 * 1e6 is 289999.99999999994.
    [0.29, perMillion, 290_000],
    ["0", perToken, 0],
    [0, perMillion, 0],
    ["0.00000000000004", perToken, 0],
  ])("the price %j at a scale of %d is %i micro-dollars per million tokens", (published, scale, expected) => {
    expect(microDollars(published, scale)).toBe(expected);
  });

  test.each(["", null, undefined, "free", "-1", -0.5, Number.NaN, Number.POSITIVE_INFINITY, "Infinity", "1e300", 1.1])(
    "the price %j is unknown",
    (published) => {
      expect(microDollars(published, perToken)).toBeNull();
    },
  );
});

test("the highest price of an empty list is unknown", () => {
  expect(microDollars(Math.max(), perMillion)).toBeNull();
});

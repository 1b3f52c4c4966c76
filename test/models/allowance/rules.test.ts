import { expect, test } from "vitest";
import plans from "../../../seed/plans.json" with { type: "json" };
import { allowanceOf, dailyAllowances, smallestAllowance } from "../../../src/models/allowance/rules.ts";

test("every plan has an allowance, at least the smallest one", () => {
  expect(Object.keys(dailyAllowances)).toEqual(plans.map(({ name }) => name));
  for (const { turns, tokens } of Object.values(dailyAllowances)) {
    expect(turns).toBeGreaterThanOrEqual(smallestAllowance.turns);
    expect(tokens).toBeGreaterThanOrEqual(smallestAllowance.tokens);
  }
});

test.each([
  ["Free Plan", { turns: 20, tokens: 40_000 }],
  ["Creator Plan", { turns: 200, tokens: 400_000 }],
])("the allowance of the %s is the documented one", (plan, allowance) => {
  expect(allowanceOf(plan)).toEqual(allowance);
});

test.each(["a plan of tomorrow", "", "creator plan", "toString"])("a plan named %j has the smallest allowance", (plan) => {
  expect(allowanceOf(plan)).toEqual(smallestAllowance);
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ranks } from "../../../src/catalog/constants.ts";
import { levelProgress } from "../../../src/minions/progression/rules.ts";
import {
  compatibilityOf,
  compatibilityPercent,
  faultsOfTraits,
  traitPoints,
  traitRelations,
  traitSlots,
  type Intensities,
} from "../../../src/minions/traits/rules.ts";
import { maxIntensity, traits } from "../../../src/minions/constants.ts";
import progression from "../../../seed/progression.json" with { type: "json" };

const intensities: fc.Arbitrary<Intensities> = fc.dictionary(fc.constantFrom(...traits), fc.nat(maxIntensity));

test("the traits and their relations match progression.json", () => {
  expect(traits).toEqual(progression.traits.names);
  expect(traitRelations).toEqual([...progression.traits.synergies, ...progression.traits.conflicts]);
});

test.each([
  [1, 0],
  [9, 0],
  [10, 1],
  [14, 1],
  [15, 2],
  [19, 2],
  [20, 3],
  [24, 3],
  [25, 4],
  [29, 4],
  [30, 5],
  [35, 5],
])("a minion of level %i may have %i traits", (level, slots) => {
  expect(traitSlots(level)).toBe(slots);
});

test("a minion has 10 points, and 5 more for each rank", () => {
  expect(ranks.map(traitPoints)).toEqual([10, 15, 20, 25, 30, 35, 40]);
});

describe("validation of traits", () => {
  const level15 = { level: 15, rank: "Specialist" } as const;

  test.each([
    ["an empty object", {}],
    ["zero for every trait", { professional: 0, friendly: 0, technical: 0 }],
    ["the maximum of slots and points", { professional: 10, technical: 10, creative: 0 }],
  ])("%s is valid", (_, given) => {
    expect(faultsOfTraits(given, level15)).toEqual([]);
  });

  test.each([
    ["an intensity above 10", { friendly: 11 }, { path: "friendly", message: "must be a whole number from 0 to 10" }],
    ["a negative intensity", { friendly: -1 }, { path: "friendly", message: "must be a whole number from 0 to 10" }],
    ["a fraction", { friendly: 1.5 }, { path: "friendly", message: "must be a whole number from 0 to 10" }],
    [
      "an intensity that is not a number",
      { friendly: Number.NaN },
      { path: "friendly", message: "must be a whole number from 0 to 10" },
    ],
    [
      "more than the slots",
      { friendly: 1, creative: 1, technical: 1 },
      { path: "", message: "exceeds the limit of 2 traits above 0 at level 15 (got 3)" },
    ],
    [
      "an unknown trait",
      { constructor: 1 },
      { path: "constructor", message: "must be one of professional, friendly, technical, creative, analytical, supportive" },
    ],
  ])("%s is reported", (_, given: Record<string, number>, fault) => {
    expect(faultsOfTraits(given, level15)).toEqual([fault]);
  });

  test("more points than the rank allows are reported", () => {
    const standing = { level: 30, rank: "Novice" } as const;
    expect(faultsOfTraits({ friendly: 10, creative: 1 }, standing)).toEqual([
      { path: "", message: "exceeds the limit of 10 trait points at rank Novice (got 11)" },
    ]);
  });

  test("all issues are reported at once", () => {
    const paths = faultsOfTraits({ brave: 3, friendly: 99 }, { level: 9, rank: "Skilled" }).map(({ path }) => path);
    expect(paths).toEqual(["brave", "friendly", "", ""]);
  });

  test("traits are valid exactly if names, values, slots and points are", () => {
    const anything = fc.dictionary(
      fc.oneof({ weight: 20, arbitrary: fc.constantFrom<string>(...traits) }, { weight: 1, arbitrary: fc.string() }),
      fc.oneof({ weight: 20, arbitrary: fc.nat(maxIntensity) }, { weight: 1, arbitrary: fc.double() }),
      { maxKeys: 6 },
    );
    fc.assert(
      fc.property(anything, fc.nat(200_000), (given, xp) => {
        const { level, rank } = levelProgress(xp);
        const strengths = Object.values(given);
        const isSound =
          Object.keys(given).every((name) => progression.traits.names.includes(name)) &&
          strengths.every((strength) => Number.isInteger(strength) && strength >= 0 && strength <= 10) &&
          strengths.filter((strength) => strength > 0).length <= traitSlots(level) &&
          strengths.reduce((sum, strength) => sum + strength, 0) <= traitPoints(rank);
        expect(faultsOfTraits(given, { level, rank }).length === 0).toBe(isSound);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("compatibility", () => {
  test.each([
    [{}, 0, 100],
    [{ professional: 5 }, 0, 100],
    [{ professional: 5, friendly: 5 }, 0, 100],
    [{ professional: 1, technical: 10 }, 0.2, 100],
    [{ professional: 5, technical: 0 }, 0, 100],
    [{ professional: 5, creative: 5 }, -0.15, 85],
    [{ friendly: 5, technical: 5 }, -0.1, 90],
    [{ technical: 5, supportive: 5 }, -0.05, 95],
    [{ technical: 1, friendly: 1, supportive: 1 }, 0.05 / 3, 100],
    [{ professional: 1, technical: 1, creative: 1, friendly: 1 }, 0.1 / 4, 100],
    [{ analytical: 1, friendly: 1, technical: 1 }, 0.05 / 3, 100],
  ] satisfies [Intensities, number, number][])("the compatibility of %j is %d, shown as %d %%", (given, score, percent) => {
    expect(compatibilityOf(given)).toBeCloseTo(score, 12);
    expect(compatibilityPercent(compatibilityOf(given))).toBe(percent);
  });

  test.each([
    [-2, 0],
    [-1, 0],
    [-0.5, 50],
    [-0.05 / 3, 98.3],
    [0, 100],
    [0.25, 100],
  ])("a compatibility of %d is shown as %d %%", (score, percent) => {
    expect(compatibilityPercent(score)).toBe(percent);
  });

  test("it is the mean of the related pairs for any intensities above 0 and any order", () => {
    fc.assert(
      fc.property(intensities, (given) => {
        const held = traits.filter((trait) => (given[trait] ?? 0) > 0);
        const values = [...progression.traits.synergies, ...progression.traits.conflicts].flatMap(([a, b, percent]) =>
          [a, b].every((name) => held.some((trait) => trait === name)) ? [Number(percent)] : [],
        );
        const mean = values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
        expect(compatibilityOf(given)).toBeCloseTo(mean / 100, 12);
        expect(compatibilityOf(Object.fromEntries(held.toReversed().map((trait) => [trait, 1])))).toBe(compatibilityOf(given));
        expect(Math.abs(compatibilityOf(given))).toBeLessThanOrEqual(0.25);
      }),
    );
  });
});

import { describe, expect, test } from "vitest";
import { levelsPerRank, ranks } from "../../src/catalog/constants.ts";
import {
  dollars,
  exclusiveSpirits,
  highestUnlock,
  isUnlocked,
  savings,
  spiritsFreeWithSubscription,
  synergyOf,
} from "../../src/catalog/rules.ts";
import progression from "../../seed/progression.json" with { type: "json" };
import { readCatalog } from "../../seed/catalog.ts";

test("the ranks of the code match progression.json, with five levels each", () => {
  expect(progression.ranks.map(({ rank }) => rank)).toEqual([...ranks]);
  for (const { min_level, max_level } of progression.ranks) expect(max_level - min_level + 1).toBe(levelsPerRank);
});

describe("unlocking", () => {
  const translator = { unlock_rank: "Skilled", unlock_level: 2 } as const;

  test.each([
    ["Novice", 5, false],
    ["Skilled", 1, false],
    ["Skilled", 2, true],
    ["Skilled", 5, true],
    ["Specialist", 1, true],
    ["Autonomous", 1, true],
  ] as const)("at %s %i an item with unlock level Skilled 2 is unlocked: %s", (rank, level, unlocked) => {
    expect(isUnlocked(translator, rank, level)).toBe(unlocked);
  });

  test("a level above 5 counts as 5 and never reaches the next rank", () => {
    expect(isUnlocked({ unlock_rank: "Specialist", unlock_level: 1 }, "Skilled", 99)).toBe(false);
  });

  test("the unlock level of a set is its highest, in any order", () => {
    const set = [translator, { unlock_rank: "Novice", unlock_level: 5 }, { unlock_rank: "Skilled", unlock_level: 3 }] as const;
    expect(highestUnlock(set)).toEqual({ unlock_rank: "Skilled", unlock_level: 3 });
    expect(highestUnlock(set.toReversed())).toEqual({ unlock_rank: "Skilled", unlock_level: 3 });
    expect(highestUnlock([])).toEqual({ unlock_rank: "Novice", unlock_level: 1 });
  });
});

describe("synergy", () => {
  const builder = { id: 7, name: "Builder" };
  const designer = { id: 16, name: "Designer" };
  const writer = { id: 1, name: "Writer" };
  const affinities = [
    { spirit_a: 1, spirit_b: 2, synergy_percent: 25, conflict_percent: 0 },
    { spirit_a: 7, spirit_b: 16, synergy_percent: 15, conflict_percent: -5 },
  ];

  test("a pair with a synergy and a conflict counts in both sums", () => {
    expect(synergyOf([builder, designer], affinities)).toEqual({
      synergy_bonus: 15,
      conflict_penalty: 5,
      net_performance: 10,
      synergies: [{ spirits: ["Builder", "Designer"], bonus: 15 }],
      conflicts: [{ spirits: ["Builder", "Designer"], penalty: 5 }],
    });
  });

  test("the order and duplicates do not matter", () => {
    const once = synergyOf([builder, designer, writer], affinities);
    expect(synergyOf([writer, designer, builder, designer], affinities)).toEqual(once);
  });

  test("no spirits, one spirit and unknown spirits have no synergy", () => {
    const nothing = { synergy_bonus: 0, conflict_penalty: 0, net_performance: 0, synergies: [], conflicts: [] };
    expect(synergyOf([], affinities)).toEqual(nothing);
    expect(synergyOf([builder], affinities)).toEqual(nothing);
    expect(synergyOf([builder, writer], affinities)).toEqual(nothing);
  });
});

describe("prices", () => {
  test("prices are returned in dollars with two decimals", () => {
    expect(dollars(299)).toBe(2.99);
    expect(dollars(5899)).toBe(58.99);
    expect(dollars(0)).toBe(0);
  });

  test.each([
    [1000, 560, 440, 44],
    [200, 199, 1, 1],
    [1000, 995, 5, 1],
    [1000, 996, 4, 0],
    [0, 0, 0, 0],
  ])("a price of %i cents for parts of %i cents saves %i cents, %i %% rounded half up", (original, price, cents, percent) => {
    expect(savings(original, price)).toEqual({ cents, percent });
  });

  test("every bundle of the catalog saves something, at most 44 %", async () => {
    const { bundles, spirits } = await readCatalog();
    const percents = bundles.map((bundle) => {
      const parts = spirits.filter(({ name }) => bundle.spirits.includes(name));
      return savings(
        parts.reduce((sum, part) => sum + part.price_cents, 0),
        bundle.price_cents,
      ).percent;
    });
    expect(Math.min(...percents)).toBeGreaterThan(0);
    expect(Math.max(...percents)).toBe(44);
  });
});

describe("plans", () => {
  const free = { id: 1, price_cents: 0, spirits: ["a"] };
  const small = { id: 2, price_cents: 999, spirits: ["a", "b"] };
  const large = { id: 3, price_cents: 1999, spirits: ["a", "b", "c"] };
  const plans = [large, free, small];

  test("the exclusive spirits of a plan are in no cheaper plan, and the Free Plan has none", () => {
    expect(exclusiveSpirits(free, plans)).toEqual([]);
    expect(exclusiveSpirits(small, plans)).toEqual(["b"]);
    expect(exclusiveSpirits(large, plans)).toEqual(["c"]);
  });

  test("the cheapest paid plan determines which spirits are free with a subscription", () => {
    expect(spiritsFreeWithSubscription(plans)).toEqual(new Set(["a", "b"]));
    expect(spiritsFreeWithSubscription([free])).toEqual(new Set());
  });
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  effectivenessPercent,
  masteryOf,
  maxSpiritLevel,
  spiritGains,
  spiritStandingOf,
  spiritThreshold,
  toolsAtLevel,
} from "../../../src/minions/progression/mastery.ts";
import spirits from "../../../seed/spirits.json" with { type: "json" };

const levels = Array.from({ length: maxSpiritLevel }, (_, index) => index + 1);
const gain = fc.oneof(fc.constantFrom(...Object.values(spiritGains)), fc.nat(1_000));

/** The rule as a diary would keep it: each gain as it comes, each bonus right after its level. */
function keepDiary(gains: readonly number[], maxLevel: number): { spirit_level: number; spirit_xp: number } {
  let spirit_level = 1;
  let spirit_xp = 0;
  for (const amount of gains) {
    spirit_xp += amount;
    while (spirit_level < maxLevel && spirit_xp >= spiritThreshold(spirit_level + 1)) {
      spirit_level += 1;
      spirit_xp += 100;
    }
  }
  return { spirit_level, spirit_xp };
}

describe("the level of a spirit", () => {
  test("each step costs 100 times the level that it reaches", () => {
    expect(levels.map(spiritThreshold)).toEqual([0, 200, 500, 900, 1_400, 2_000, 2_700, 3_500, 4_400, 5_400]);
    for (const level of levels.slice(1)) expect(spiritThreshold(level) - spiritThreshold(level - 1)).toBe(100 * level);
  });

  test.each([
    [0, { spirit_level: 1, spirit_xp: 0, xp_to_next_level: 200, effectiveness_percent: 25 }],
    [199, { spirit_level: 1, spirit_xp: 199, xp_to_next_level: 1, effectiveness_percent: 25 }],
    [200, { spirit_level: 2, spirit_xp: 300, xp_to_next_level: 200, effectiveness_percent: 25 }],
    [399, { spirit_level: 2, spirit_xp: 499, xp_to_next_level: 1, effectiveness_percent: 25 }],
    [400, { spirit_level: 3, spirit_xp: 600, xp_to_next_level: 300, effectiveness_percent: 25 }],
    [700, { spirit_level: 4, spirit_xp: 1_000, xp_to_next_level: 400, effectiveness_percent: 50 }],
    [4_599, { spirit_level: 9, spirit_xp: 5_399, xp_to_next_level: 1, effectiveness_percent: 75 }],
    [4_600, { spirit_level: 10, spirit_xp: 5_500, xp_to_next_level: 0, effectiveness_percent: 100 }],
    [9_999, { spirit_level: 10, spirit_xp: 10_899, xp_to_next_level: 0, effectiveness_percent: 100 }],
  ])("gaining %i adds 100 for each level that is reached", (gained, standing) => {
    expect(spiritStandingOf(gained)).toEqual(standing);
  });

  test("the bonus alone never reaches a level", () => {
    for (const level of levels.slice(2)) expect(spiritThreshold(level - 1) + 100).toBeLessThan(spiritThreshold(level));
  });

  test("it ends at the spirit's last level", () => {
    expect(spiritStandingOf(100_000, 3)).toMatchObject({ spirit_level: 3, spirit_xp: 100_200, xp_to_next_level: 0 });
    expect(spiritStandingOf(100_000, 1)).toMatchObject({ spirit_level: 1, spirit_xp: 100_000, xp_to_next_level: 0 });
    expect(Math.max(...spirits.map(({ max_spirit_level }) => max_spirit_level))).toBe(maxSpiritLevel);
  });

  test("it depends only on the sum of the gains, not on their order or parts", () => {
    const gains = fc.array(gain, { maxLength: 60 });
    const shuffled = gains.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.constantFrom(...levels), ([list, again], maxLevel) => {
        const sum = list.reduce((total, amount) => total + amount, 0);
        const atOnce = spiritStandingOf(sum, maxLevel);
        for (const order of [list, again, [sum]]) expect(atOnce).toMatchObject(keepDiary(order, maxLevel));
      }),
    );
  });

  test("it never falls and is reached with exactly the missing experience", () => {
    fc.assert(
      fc.property(fc.nat(6_000), fc.nat(6_000), (gained, more) => {
        const { spirit_level, xp_to_next_level } = spiritStandingOf(gained);
        expect(spiritStandingOf(gained + more).spirit_level).toBeGreaterThanOrEqual(spirit_level);
        if (spirit_level === maxSpiritLevel) return;
        expect(spiritStandingOf(gained + xp_to_next_level).spirit_level).toBe(spirit_level + 1);
        expect(spiritStandingOf(gained + xp_to_next_level - 1).spirit_level).toBe(spirit_level);
      }),
    );
  });
});

test("a spirit gains 10 by a tool run, 25 by a confirmed task and 15 by a resolved error", () => {
  expect(spiritGains).toEqual({ tool_run: 10, confirmed_task: 25, resolved_error: 15 });
});

test("effectiveness rises in quarters", () => {
  expect(levels.map(effectivenessPercent)).toEqual([25, 25, 25, 50, 50, 50, 75, 75, 75, 100]);
});

describe("the tools of a spirit", () => {
  test("there are two at first, three from level 3 and four from level 5", () => {
    const tools = ["a", "b", "c", "d"];
    expect(levels.map((level) => toolsAtLevel(tools, level).join(""))).toEqual(
      ["ab", "ab", "abc", "abc", "abcd", "abcd", "abcd", "abcd", "abcd", "abcd"], // from 1 to 10
    );
  });

  test("they only grow, in the order of the catalog", () => {
    fc.assert(
      fc.property(fc.constantFrom(...spirits), fc.nat(6_000), fc.nat(6_000), ({ tools }, gained, more) => {
        const before = toolsAtLevel(tools, spiritStandingOf(gained).spirit_level);
        const after = toolsAtLevel(tools, spiritStandingOf(gained + more).spirit_level);
        expect(after.slice(0, before.length)).toEqual(before);
        expect(tools.slice(0, after.length)).toEqual(after);
      }),
    );
  });
});

test.each([
  [0, "beginner"],
  [25, "beginner"],
  [26, "intermediate"],
  [100, "intermediate"],
  [101, "advanced"],
  [500, "advanced"],
  [501, "expert"],
  [1_000_000, "expert"],
])("a tool that was used %i times has the mastery %s", (uses, mastery) => {
  expect(masteryOf(uses)).toBe(mastery);
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ranks } from "../../../src/catalog/constants.ts";
import {
  dailyUsageCap,
  levelThreshold,
  maxLevel,
  pointsFor,
  rankEntries,
  levelProgress,
  trainingExperience,
  usageExperience,
  type TrainingOutcome,
} from "../../../src/minions/progression/rules.ts";
import progression from "../../../seed/progression.json" with { type: "json" };

const levels = Array.from({ length: maxLevel }, (_, index) => index + 1);
const experience = fc.nat(250_000);

test("the ranks begin at the experience of progression.json", () => {
  expect(Object.entries(rankEntries)).toEqual(progression.ranks.map(({ rank, xp }) => [rank, xp]));
  for (const { min_level, xp } of progression.ranks) expect(levelThreshold(min_level)).toBe(xp);
  expect(progression.ranks.at(-1)?.max_level).toBe(maxLevel);
});

describe("levels", () => {
  test("they begin at integers, five equal parts per rank", () => {
    expect(levels.map(levelThreshold)).toEqual(
      [
        [0, 200, 400, 600, 800],
        [1_000, 1_800, 2_600, 3_400, 4_200],
        [5_000, 7_000, 9_000, 11_000, 13_000],
        [15_000, 19_000, 23_000, 27_000, 31_000],
        [35_000, 42_000, 49_000, 56_000, 63_000],
        [70_000, 80_000, 90_000, 100_000, 110_000],
        [120_000, 136_000, 152_000, 168_000, 184_000],
      ].flat(),
    );
  });

  test("they are reached exactly at their thresholds", () => {
    for (const level of levels) expect(levelProgress(levelThreshold(level)).level).toBe(level);
    for (const level of levels.slice(1)) expect(levelProgress(levelThreshold(level) - 1).level).toBe(level - 1);
  });

  test.each([0, -1, 36, 1_000])("there is no level %i", (level) => {
    expect(() => levelThreshold(level)).toThrow(RangeError);
  });

  test.each([
    [0, { level: 1, rank: "Novice", rank_level: 1, xp_to_next_level: 200, xp_progress_percentage: 0 }],
    [50, { level: 1, rank: "Novice", rank_level: 1, xp_to_next_level: 150, xp_progress_percentage: 25 }],
    [999, { level: 5, rank: "Novice", rank_level: 5, xp_to_next_level: 1, xp_progress_percentage: 99.5 }],
    [1_000, { level: 6, rank: "Skilled", rank_level: 1, xp_to_next_level: 800, xp_progress_percentage: 0 }],
    [1_300, { level: 6, rank: "Skilled", rank_level: 1, xp_to_next_level: 500, xp_progress_percentage: 37.5 }],
    [4_999, { level: 10, rank: "Skilled", rank_level: 5, xp_to_next_level: 1, xp_progress_percentage: 99.8 }],
    [120_000, { level: 31, rank: "Autonomous", rank_level: 1, xp_to_next_level: 16_000, xp_progress_percentage: 0 }],
    [183_999, { level: 34, rank: "Autonomous", rank_level: 4, xp_to_next_level: 1, xp_progress_percentage: 99.9 }],
    [184_000, { level: 35, rank: "Autonomous", rank_level: 5, xp_to_next_level: 0, xp_progress_percentage: 100 }],
    [200_000, { level: 35, rank: "Autonomous", rank_level: 5, xp_to_next_level: 0, xp_progress_percentage: 100 }],
    [9_000_000, { level: 35, rank: "Autonomous", rank_level: 5, xp_to_next_level: 0, xp_progress_percentage: 100 }],
  ])("%i experience is the documented level", (xp, standing) => {
    expect(levelProgress(xp)).toEqual(standing);
  });

  test("they follow the span of the rank for any experience", () => {
    const entries = [...Object.values(rankEntries), 200_000];
    fc.assert(
      fc.property(experience, (xp) => {
        const { level, rank, rank_level } = levelProgress(xp);
        const index = ranks.indexOf(rank);
        const [entry, next] = [entries[index]!, entries[index + 1]!];
        expect(rank_level).toBe(Math.min(5, Math.floor((5 * (xp - entry)) / (next - entry)) + 1));
        expect(level).toBe(progression.ranks[index]!.min_level + rank_level - 1);
      }),
    );
  });

  test("they never fall with more experience and hold from their threshold to the next", () => {
    fc.assert(
      fc.property(experience, experience, (xp, more) => {
        const { level, xp_to_next_level, xp_progress_percentage } = levelProgress(xp);
        expect(levelProgress(xp + more).level).toBeGreaterThanOrEqual(level);
        expect(levelThreshold(level)).toBeLessThanOrEqual(xp);
        if (level === maxLevel) return;
        expect(xp + xp_to_next_level).toBe(levelThreshold(level + 1));
        expect(levelProgress(xp + xp_to_next_level).level).toBe(level + 1);
        expect(xp_progress_percentage).toBeLessThan(100);
      }),
    );
  });
});

describe("points for levels", () => {
  test.each([
    [0, 199, 0],
    [0, 200, 5],
    [199, 200, 5],
    [200, 399, 0],
    [800, 1_000, 105],
    [0, 1_000, 125],
    [0, 184_000, 34 * 5 + 6 * 100],
    [184_000, 999_000, 0],
    [1_000, 0, 0],
  ])("going from %i to %i experience earns %i: 5 per level, 100 per rank", (before, after, points) => {
    expect(pointsFor(before, after)).toBe(points);
  });

  test("they do not depend on the size of the steps", () => {
    fc.assert(
      fc.property(experience, fc.array(fc.nat(20_000)), (start, grants) => {
        let xp = start;
        const bitByBit = grants.reduce((points, grant) => points + pointsFor(xp, (xp += grant)), 0);
        expect(bitByBit).toBe(pointsFor(start, xp));
      }),
    );
  });
});

test("usage experience is limited to 500 a day", () => {
  expect(usageExperience).toEqual({ chat_turn: 5, retrieval: 3, tool_run: 10, confirmed_task: 25 });
  expect(dailyUsageCap).toBe(500);
});

describe("experience of a training", () => {
  const plain: TrainingOutcome = { kind: "rag", items: 10, quality: 0, validation_score: 0, improvement_percent: 0 };

  test.each([
    [0, 0],
    [1, 2],
    [10, 20],
    [50, 100],
    [100, 200],
    [300, 475],
    [500, 750],
    [1_000, 826],
    [4_800, 1_400],
    [10_000, 1_811],
    [20_000, 2_600],
    [1_000_000, 2_600],
  ])("a knowledge base with %i items gives %i", (items, xp) => {
    expect(trainingExperience({ ...plain, items })).toMatchObject({ items_xp: xp, total: xp });
  });

  test.each([
    [0, 0],
    [1, 3],
    [10, 25],
    [100, 250],
    [300, 525],
    [500, 800],
    [4_800, 1_500],
    [12_400, 2_150],
    [20_000, 2_800],
    [20_001, 2_800],
  ])("an adapter with %i items gives %i", (items, xp) => {
    expect(trainingExperience({ ...plain, kind: "lora", items })).toMatchObject({ items_xp: xp, total: xp });
  });

  test.each([
    [100, 200],
    [99.9, 150],
    [90, 150],
    [89, 100],
    [80, 100],
    [79, 50],
    [70, 50],
    [69.9, 0],
    [0, 0],
  ])("a validation score of %d adds %i", (validation_score, xp) => {
    expect(trainingExperience({ ...plain, validation_score }).validation_xp).toBe(xp);
  });

  test.each([
    [-30, 0],
    [0, 0],
    [1, 0],
    [2, 1],
    [25, 12],
    [99, 49],
    [100, 50],
    [400, 50],
  ])("an improvement of %d %% adds %i", (improvement_percent, xp) => {
    expect(trainingExperience({ ...plain, improvement_percent }).improvement_xp).toBe(xp);
  });

  test("the parts are summed: 4,800 items of quality 99 with validation 100 give 1,877", () => {
    expect(trainingExperience({ ...plain, items: 4_800, quality: 99, validation_score: 100 })).toEqual({
      items_xp: 1_400,
      quality_xp: 277,
      validation_xp: 200,
      improvement_xp: 0,
      total: 1_877,
    });
  });

  test("a training without new items gives nothing", () => {
    const { total } = trainingExperience({ ...plain, items: 0, quality: 100, validation_score: 100, improvement_percent: 100 });
    expect(total).toBe(0);
  });

  const outcome = fc.record({
    kind: fc.constantFrom("rag", "lora"),
    items: fc.nat(30_000),
    quality: fc.integer({ min: 0, max: 100 }),
    validation_score: fc.double({ min: 0, max: 100, noNaN: true }),
    improvement_percent: fc.double({ min: -100, max: 500, noNaN: true }),
  });

  test("quality adds an exact fifth of the curve, and every part is an integer", () => {
    fc.assert(
      fc.property(outcome, (result) => {
        const { total, ...parts } = trainingExperience(result);
        expect(Object.values(parts).reduce((sum, part) => sum + part)).toBe(total);
        expect(Object.values(parts).every((part) => Number.isInteger(part) && part >= 0)).toBe(true);
        expect(parts.quality_xp).toBe(Number((BigInt(parts.items_xp) * BigInt(result.quality) * 2n) / 1_000n));
      }),
    );
  });

  test("more items or more quality never give less", () => {
    fc.assert(
      fc.property(outcome, fc.nat(5_000), fc.nat(100), (result, items, quality) => {
        const better = { ...result, items: result.items + items, quality: Math.min(100, result.quality + quality) };
        expect(trainingExperience(better).total).toBeGreaterThanOrEqual(trainingExperience(result).total);
      }),
    );
  });
});

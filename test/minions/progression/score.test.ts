import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ranks } from "../../../src/catalog/constants.ts";
import { levelProgress } from "../../../src/minions/progression/rules.ts";
import { scoreOf, type ScoredModel } from "../../../src/minions/progression/score.ts";

const unknown: ScoredModel = { parameters_billions: null, context_length: null, capabilities: [], architecture: null };
const at = (xp: number) => ({ ...levelProgress(xp), xp });

test("a new minion on an unknown model has a score of 6", () => {
  expect(scoreOf(at(0), unknown)).toEqual({
    xp_score: 5,
    rank_score: 0,
    param_score: 0,
    context_score: 0,
    cap_score: 0,
    arch_score: 1,
    total: 6,
  });
});

test("the highest score is 115", () => {
  const giant = {
    parameters_billions: 405,
    context_length: 1_000_000,
    capabilities: ["chat", "tools", "vision", "code", "reasoning", "audio"],
    architecture: "llama",
  };
  expect(scoreOf(at(200_000), giant)).toEqual({
    xp_score: 50,
    rank_score: 25,
    param_score: 15,
    context_score: 10,
    cap_score: 10,
    arch_score: 5,
    total: 115,
  });
});

describe("a part of the score", () => {
  test.each([
    [0, 5],
    [100, 6],
    [149, 6],
    [150, 7],
    [1_000, 40],
    [1_800, 50],
    [184_000, 50],
  ])("%i experience gives %i", (xp, points) => {
    expect(scoreOf(at(xp), unknown).xp_score).toBe(points);
  });

  test("each rank gives its bonus", () => {
    const bonuses = ranks.map((rank) => scoreOf({ level: 1, xp: 0, rank }, unknown).rank_score);
    expect(bonuses).toEqual([0, 10, 15, 20, 22, 24, 25]);
  });

  test.each([
    [null, 0],
    [0.5, 0],
    [1, 1],
    [8, 4],
    [29, 15],
    [30, 15],
    [405, 15],
  ])("%d billion parameters give %i", (parameters_billions, points) => {
    expect(scoreOf(at(0), { ...unknown, parameters_billions }).param_score).toBe(points);
  });

  test.each([
    [null, 0],
    [8_192, 0],
    [10_000, 1],
    [128_000, 6],
    [200_000, 10],
    [2_000_000, 10],
  ])("a context of %d tokens gives %i", (context_length, points) => {
    expect(scoreOf(at(0), { ...unknown, context_length }).context_score).toBe(points);
  });

  test.each([
    [[], 0],
    [["chat"], 2],
    [["chat", "chat"], 2],
    [["a", "b", "c", "d"], 8],
    [["a", "b", "c", "d", "e"], 10],
    [["a", "b", "c", "d", "e", "f"], 10],
  ])("the capabilities %j give %i", (capabilities, points) => {
    expect(scoreOf(at(0), { ...unknown, capabilities }).cap_score).toBe(points);
  });

  test.each([
    ["llama", 5],
    ["LlamaForCausalLM", 5],
    ["gemma", 4],
    ["gemma3", 4],
    ["mistral", 3],
    ["Qwen2.5", 2],
    ["gpt", 1],
    ["", 1],
    [null, 1],
  ])("the architecture %s gives %i", (architecture, points) => {
    expect(scoreOf(at(0), { ...unknown, architecture }).arch_score).toBe(points);
  });
});

test("fractions are summed before rounding, and the parts add up to the score", () => {
  const model = { ...unknown, parameters_billions: 7, context_length: 8_192, architecture: "mistral" };
  // 40.3 + 10 + 3.5 + 0.4096 + 0 + 3 = 57.2096
  expect(scoreOf({ level: 6, xp: 1_030, rank: "Skilled" }, model)).toEqual({
    xp_score: 40,
    rank_score: 10,
    param_score: 4,
    context_score: 0,
    cap_score: 0,
    arch_score: 3,
    total: 57,
  });
});

test("a score is the rounded sum of its parts, each rounded up or down, and at most 115", () => {
  const capability = fc.constantFrom("chat", "tools", "vision", "code", "reasoning", "audio", "embedding");
  const model: fc.Arbitrary<ScoredModel> = fc.record({
    parameters_billions: fc.option(fc.double({ min: 0, max: 1_000, noNaN: true })),
    context_length: fc.option(fc.nat(2_000_000)),
    capabilities: fc.uniqueArray(capability),
    architecture: fc.option(fc.constantFrom("llama", "gemma", "mistral", "qwen", "phi")),
  });
  const architectures: Record<string, number> = { llama: 5, gemma: 4, mistral: 3, qwen: 2 };
  fc.assert(
    fc.property(fc.oneof(fc.nat(3_000), fc.nat(250_000)), model, (xp, summary) => {
      const { level, rank } = levelProgress(xp);
      const { total, ...parts } = scoreOf({ level, xp, rank }, summary);
      const exact = [
        Math.min(level * 5 + xp / 100, 50),
        [0, 10, 15, 20, 22, 24, 25][ranks.indexOf(rank)]!,
        Math.min((summary.parameters_billions ?? 0) * 0.5, 15),
        Math.min((summary.context_length ?? 0) / 20_000, 10),
        Math.min(2 * summary.capabilities.length, 10),
        architectures[summary.architecture ?? ""] ?? 1,
      ];
      expect(total).toBe(Math.round(exact.reduce((sum, part) => sum + part)));
      expect(total).toBeLessThanOrEqual(115);
      expect(Object.values(parts).reduce((sum, part) => sum + part)).toBe(total);
      for (const [index, part] of Object.values(parts).entries()) {
        expect([Math.floor(exact[index]!), Math.ceil(exact[index]!)]).toContain(part);
      }
    }),
    { numRuns: 1_000 },
  );
});

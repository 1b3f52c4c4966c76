import type { Rank } from "../../catalog/constants.ts";
import type { ModelSummary } from "../../models/constants.ts";

/** The fields that score a model. Unknown values score 0; an unknown architecture scores as any other. */
export type ScoredModel = Pick<ModelSummary, "parameters_billions" | "context_length" | "capabilities" | "architecture">;

/** A minion's score and its breakdown, in whole points. The parts sum to the total. */
export type Score = {
  /** At most 50. */
  xp_score: number;
  /** At most 25. */
  rank_score: number;
  /** At most 15. */
  param_score: number;
  /** At most 10. */
  context_score: number;
  /** At most 10. */
  cap_score: number;
  /** 1–5. */
  arch_score: number;
  /** At most 115. */
  total: number;
};

const rankBonus: Record<Rank, number> = {
  Novice: 0,
  Skilled: 10,
  Specialist: 15,
  Expert: 20,
  Master: 22,
  Grandmaster: 24,
  Autonomous: 25,
};

const architectureScores = { llama: 5, gemma: 4, mistral: 3, qwen: 2 } as const;
const otherArchitectureScore = 1;

/** The score of an architecture, by any of its names: `llama`, `LlamaForCausalLM`, `qwen2moe`. */
function architectureScore(architecture: string | null): number {
  const name = architecture?.toLowerCase() ?? "";
  const family = Object.entries(architectureScores).find(([prefix]) => name.includes(prefix));
  return family?.[1] ?? otherArchitectureScore;
}

/**
 * The score of a minion, by its experience and its model.
 *
 * The total is the exact sum, rounded half up. Each part is what it adds to the rounded sum of those before it (cascade
 * rounding), so that the parts sum to the total: one with a fraction is rounded up or down, one without is exact.
 */
export function scoreOf(minion: { level: number; xp: number; rank: Rank }, model: ScoredModel): Score {
  let sum = 0;
  const add = (points: number) => {
    const before = Math.round(sum);
    sum += points;
    return Math.round(sum) - before;
  };
  return {
    xp_score: add(Math.min(minion.level * 5 + minion.xp / 100, 50)),
    rank_score: add(rankBonus[minion.rank]),
    param_score: add(Math.min((model.parameters_billions ?? 0) * 0.5, 15)),
    context_score: add(Math.min((model.context_length ?? 0) / 20_000, 10)),
    cap_score: add(Math.min(2 * new Set(model.capabilities).size, 10)),
    arch_score: add(architectureScore(model.architecture)),
    total: Math.round(sum),
  };
}

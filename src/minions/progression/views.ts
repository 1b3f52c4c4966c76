import { minionModelSummary, type OnModel } from "../model-summary.ts";
import type { MinionRow } from "../queries.ts";
import type { Minion } from "../schemas.ts";
import type { ScoreOfMinion } from "./schemas.ts";
import { levelProgress } from "./rules.ts";
import { scoreOf, type Score } from "./score.ts";

/** The total experience of a minion. */
export function experienceOf({
  total_training_xp,
  total_usage_xp,
}: Pick<MinionRow, "total_training_xp" | "total_usage_xp">): number {
  return total_training_xp + total_usage_xp;
}

const unknownModel = { parameters_billions: null, context_length: null, capabilities: [], architecture: null };

/** The score of a minion at an amount of experience. */
export function scoreAt(minion: OnModel, xp: number): Score {
  const { level, rank } = levelProgress(xp);
  return scoreOf({ level, xp, rank }, minionModelSummary(minion) ?? unknownModel);
}

export function scoreFields(row: MinionRow): Pick<Minion, "score" | "score_breakdown"> {
  const breakdown = scoreAt(row, experienceOf(row));
  return { score: breakdown.total, score_breakdown: breakdown };
}

export function scoreOfMinion(row: MinionRow): ScoreOfMinion {
  const { id, name, display_name } = row;
  return { id, name, display_name, ...scoreFields(row) };
}

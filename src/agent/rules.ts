import type { TurnResult } from "./events.ts";
import { usageExperience } from "../minions/progression/rules.ts";

/** The experience of a turn. Successful tool runs always count; the rest counts only if the turn is complete. */
export type TurnExperience = { turn: number; retrieval: number; tool_runs: number };

/** The experience of a turn by its source, before the daily limit of the minion. */
export function turnExperience({
  outcome,
  has_retrieved,
  tool_runs,
}: Pick<TurnResult, "outcome" | "has_retrieved" | "tool_runs">): TurnExperience {
  const isComplete = outcome === "complete";
  return {
    turn: isComplete ? usageExperience.chat_turn : 0,
    retrieval: isComplete && has_retrieved ? usageExperience.retrieval : 0,
    tool_runs: tool_runs.length * usageExperience.tool_run,
  };
}

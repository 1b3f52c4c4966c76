import type { TurnResult } from "./events.ts";
import { usageExperience } from "../minions/progression/rules.ts";

/** What a turn is worth to its minion: a tool that ran with success counts however the turn ended, the rest where it is complete. */
export type TurnExperience = { turn: number; retrieval: number; tool_runs: number };

/** Experience of a turn, by what it is for; what a minion can gain in a day may cut it. */
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

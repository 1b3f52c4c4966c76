import type { MemoryStatus } from "../constants.ts";
import type { TurnMessage, Summary } from "../types.ts";

/** The messages that are sent to the model, and the summary of the others. */
export type FittedHistory = { messages: readonly TurnMessage[]; summary: Summary | null; status: MemoryStatus };

/** The earlier messages and their summary. The last message is the question. */
export type History = { messages: readonly TurnMessage[]; summary: Summary | null };

/** Maximum tokens of a summary. */
export const summaryTokens = (room: number): number => Math.min(1_024, Math.floor(room / 4));

/** The token budget of the history, and how its parts are measured. */
export type HistoryBudget = {
  /** Maximum tokens of the history, including the question. */
  room: number;
  costOf(message: TurnMessage): number;
  costOfSummary(text: string): number;
  /** Summarizes messages and the summary before them in at most `tokens` tokens; null if that fails. */
  summarize(before: Summary | null, messages: readonly TurnMessage[], tokens: number): Promise<string | null>;
};

/**
 * Selects the messages for the prompt: all messages after the summary, if they fit. Otherwise the older half is summarized, so that the
 * next turns fit without a new summary. If the summary fails, the oldest messages are dropped. The question always stays, and the history
 * is cut between turns, so that no answer is sent without its question.
 */
export async function fitHistory({ messages, summary }: History, budget: HistoryBudget): Promise<FittedHistory> {
  const { room, costOf, costOfSummary } = budget;
  const turns = turnsOf(messages.filter(({ id }) => summary === null || id > summary.up_to));
  const costs = turns.map((turn) => turn.reduce((total, message) => total + costOf(message), 0));
  const summaryCost = summary === null ? 0 : costOfSummary(summary.text);
  if (countLatestWithin(costs, room - summaryCost) === turns.length) {
    return { messages: turns.flat(), summary, status: summary === null ? "full" : "summarised" };
  }

  const tokens = summaryTokens(room);
  const keptTurns = Math.max(1, countLatestWithin(costs, room / 2 - tokens));
  const older = turns.slice(0, -keptTurns).flat();
  if (older.length > 0 && costs.at(-1)! + tokens <= room) {
    const text = await budget.summarize(summary, older, tokens);
    if (text !== null) {
      const newSummary = { up_to: older.at(-1)!.id, text };
      return { messages: turns.slice(-keptTurns).flat(), summary: newSummary, status: "summarised" };
    }
  }

  const withSummary = summary === null ? 0 : countLatestWithin(costs, room - summaryCost);
  const left = withSummary > 0 ? withSummary : Math.max(1, countLatestWithin(costs, room));
  return { messages: turns.slice(-left).flat(), summary: withSummary > 0 ? summary : null, status: "truncated" };
}

/** Groups messages into turns: a message of the user with its answers. */
export function turnsOf(messages: readonly TurnMessage[]): TurnMessage[][] {
  const turns: TurnMessage[][] = [];
  for (const message of messages) {
    if (message.role === "user" || turns.length === 0) turns.push([message]);
    else turns.at(-1)!.push(message);
  }
  return turns;
}

/** How many of the latest turns fit together. */
function countLatestWithin(costs: readonly number[], room: number): number {
  let left = room;
  const first = costs.findLastIndex((cost) => (left -= cost) < 0);
  return costs.length - 1 - first;
}

import type { MemoryStatus } from "../constants.ts";
import type { TurnMessage, Summary } from "../types.ts";

/** Which of what was said is told to the model again, and what stands for the rest. */
export type FittedHistory = { messages: readonly TurnMessage[]; summary: Summary | null; status: MemoryStatus };

/** What there is to remember; the last of the messages is what is to be answered. */
export type History = { messages: readonly TurnMessage[]; summary: Summary | null };

/** Tokens of a summary, at most. */
export const summaryTokens = (room: number): number => Math.min(1_024, Math.floor(room / 4));

/** What remembering needs to know of the model. */
export type HistoryBudget = {
  /** Tokens that history can have, the question among it. */
  room: number;
  costOf(message: TurnMessage): number;
  costOfSummary(text: string): number;
  /** Sums up messages, and the summary before them, in so many tokens; null where that cannot be had. */
  summarise(before: Summary | null, messages: readonly TurnMessage[], tokens: number): Promise<string | null>;
};

/**
 * Finds what to tell of a conversation: all that the summary does not stand for yet, if there is room. If not, its older half is summed up,
 * so that the next turns need not be; where no summary can be had, the oldest is dropped. The question itself always stays, and the cut
 * is between turns alone, so that no answer is told without its question.
 */
export async function fitHistory({ messages, summary }: History, remembering: HistoryBudget): Promise<FittedHistory> {
  const { room, costOf, costOfSummary } = remembering;
  const turns = turnsOf(messages.filter(({ id }) => summary === null || id > summary.up_to));
  const costs = turns.map((turn) => turn.reduce((total, message) => total + costOf(message), 0));
  const stands = summary === null ? 0 : costOfSummary(summary.text);
  if (countLatestWithin(costs, room - stands) === turns.length) {
    return { messages: turns.flat(), summary, status: summary === null ? "full" : "summarised" };
  }

  const tokens = summaryTokens(room);
  const kept = Math.max(1, countLatestWithin(costs, room / 2 - tokens));
  const older = turns.slice(0, -kept).flat();
  if (older.length > 0 && costs.at(-1)! + tokens <= room) {
    const text = await remembering.summarise(summary, older, tokens);
    if (text !== null) {
      const made = { up_to: older.at(-1)!.id, text };
      return { messages: turns.slice(-kept).flat(), summary: made, status: "summarised" };
    }
  }

  const withSummary = summary === null ? 0 : countLatestWithin(costs, room - stands);
  const left = withSummary > 0 ? withSummary : Math.max(1, countLatestWithin(costs, room));
  return { messages: turns.slice(-left).flat(), summary: withSummary > 0 ? summary : null, status: "truncated" };
}

/** A message of the user's with the answers to it. */
export function turnsOf(messages: readonly TurnMessage[]): TurnMessage[][] {
  const turns: TurnMessage[][] = [];
  for (const message of messages) {
    if (message.role === "user" || turns.length === 0) turns.push([message]);
    else turns.at(-1)!.push(message);
  }
  return turns;
}

/** How many of the latest have room together. */
function countLatestWithin(costs: readonly number[], room: number): number {
  let left = room;
  const first = costs.findLastIndex((cost) => (left -= cost) < 0);
  return costs.length - 1 - first;
}

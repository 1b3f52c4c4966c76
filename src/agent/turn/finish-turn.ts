import type { Ctx } from "../../context.ts";
import { costOf } from "../../models/usage/cost.ts";
import { providerNames } from "../../models/providers/registry.ts";
import { pricesNow } from "../../models/usage/prices.ts";
import { estimateTokens } from "../../models/gateway/tokens.ts";
import { noTokens } from "../../models/gateway/usage-record.ts";
import { truncate } from "../../kit/db/text.ts";
import type { Message, MessageUsage } from "../types.ts";
import type { TurnFrame } from "../protocol.ts";
import { turnExperience } from "../rules.ts";
import type { TurnCall, TurnResult } from "../events.ts";

/** How a turn ended. `isInterrupted` if its room crashed or its model stopped sending text. */
export type TurnOutcome = TurnResult & { isInterrupted: boolean };

const interruptedFailure = {
  code: "interrupted",
  detail: "The answer was interrupted. Regenerate it to continue.",
  retryable: true,
};

/** Finishes an answer with the outcome of its turn. @returns the frame to publish */
export function finishAnswer(
  ctx: Ctx,
  answer: Message,
  ending: TurnOutcome,
): Extract<TurnFrame, { type: "message.completed" | "turn.failed" | "turn.stopped" }> {
  const { outcome, isInterrupted, memory_status, model } = ending;
  const usage = usageOf(ctx, ending.calls);
  const failure = isInterrupted ? interruptedFailure : ending.failure;
  const isInterruptedAnswer = isInterrupted || (failure?.retryable === true && answer.text !== "");
  const status = isInterruptedAnswer ? "interrupted" : outcome;
  const completed_at = new Date().toISOString();
  truncateToolOutputs(answer);
  const finish_reason = status === "complete" ? ending.finish_reason : null;
  Object.assign(answer, {
    status,
    usage,
    memory_status,
    error: failure,
    completed_at,
    finish_reason,
    model: model ?? answer.model,
  });
  const message_id = answer.id;
  if (failure !== null) {
    return { type: "turn.failed", message_id, ...failure, status: isInterruptedAnswer ? "interrupted" : "failed", usage };
  }
  if (outcome === "stopped") return { type: "turn.stopped", message_id, usage };
  const { turn, retrieval, tool_runs } = turnExperience(ending);
  const xp = turn + retrieval + tool_runs;
  return {
    type: "message.completed",
    message_id,
    usage,
    cost_usd: usage.cost_usd,
    xp,
    memory_status,
    finish_reason: ending.finish_reason,
  };
}

/** Maximum characters of all tool inputs and outputs of a message: with its text, it must fit into one row of the room. */
const maxToolText = 200_000;

/** Truncates tool inputs and outputs after the limit. */
function truncateToolOutputs({ tools }: Message): void {
  let left = maxToolText;
  for (const use of tools) {
    const input = JSON.stringify(use.input ?? null);
    const output = use.output ?? "";
    left -= input.length + output.length;
    if (left >= 0) continue;
    if (input.length > truncatedToolLength) use.input = truncate(input, truncatedToolLength);
    if (use.output !== null) use.output = truncate(output, truncatedToolLength);
  }
}

/** Characters of a truncated input or output. */
const truncatedToolLength = 200;

/** The usage and cost of all calls, at list prices. A model without a price costs nothing. */
function usageOf(ctx: Ctx, calls: readonly TurnCall[]): MessageUsage {
  const prices = pricesNow(ctx);
  const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, cost_usd: 0 };
  let microUsd = 0;
  for (const { record } of calls) {
    usage.prompt_tokens += record.input_tokens;
    usage.completion_tokens += record.output_tokens;
    microUsd += costOf(prices, record) ?? 0;
  }
  return { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens, cost_usd: microUsd / 1e6 };
}

/** Estimates the usage of an interrupted turn from the text of the earlier messages and of the answer. */
export function estimateInterruptedTurn(answer: Message, before: readonly Message[]): TurnOutcome {
  const [name = "", ...rest] = (answer.model ?? "").split("/");
  const provider = providerNames.find((each) => each === name);
  const record = provider !== undefined && {
    ...noTokens,
    provider,
    model_id: rest.join("/"),
    input_tokens: before.reduce((sum, { text }) => sum + estimateTokens(text), 0),
    output_tokens: estimateTokens(answer.text),
    is_estimated: true,
    outcome: "failed" as const,
    error_code: "internal" as const,
    latency_ms: 0,
    first_token_ms: null,
    attempts: [],
  };
  return {
    outcome: "failed",
    failure: null,
    memory_status: "full",
    finish_reason: "stop",
    model: answer.model,
    calls: record === false ? [] : [{ record, external_model_id: null, key_ref: null, is_key_rejected: false }],
    tool_runs: [],
    has_retrieved: false,
    isInterrupted: true,
  };
}

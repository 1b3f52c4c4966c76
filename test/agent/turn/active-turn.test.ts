import { afterEach, expect, test, vi } from "vitest";
import { newAnswer, type EventFrame } from "../../../src/agent/message/apply-frame.ts";
import type { Summary, ToolCall } from "../../../src/agent/types.ts";
import { ActiveTurn, type TurnCallbacks, type TurnRuntime } from "../../../src/agent/turn/active-turn.ts";
import { finishAnswer } from "../../../src/agent/turn/finish-turn.ts";
import { runTurn } from "../../../src/agent/turn/run-turn.ts";
import type { TurnResult } from "../../../src/agent/events.ts";
import { textParts } from "../../models/support/scripted-model.ts";
import {
  turnInput,
  toolCall,
  toolCallStream,
  modelOf,
  noDatabase,
  settingsWith,
  reasoningDelta,
  tool,
  textDelta,
} from "../support/settings.ts";

afterEach(() => {
  vi.useRealTimers();
});

type Published = EventFrame | { type: string; message_id: number; offset: number; pieces: readonly string[] };

/** A caller without a room: it keeps what a turn publishes. */
function recorder() {
  const published: Published[] = [];
  const summaries: Summary[] = [];
  let flushes = 0;
  const runtime: TurnRuntime = {
    publish: (frame) => void published.push(frame),
    publishText: (head, offset, pieces) => void published.push({ ...head, offset, pieces }),
    flush: () => void (flushes += 1),
    waitForSlowSockets: async () => undefined,
    saveSummary: (summary) => void summaries.push(summary),
  };
  return { runtime, published, summaries, flushes: () => flushes };
}

const answer = () => newAnswer(2, 1, "builtin/extractive");

const turnOf =
  (model: ReturnType<typeof modelOf>["model"], needs_approval = false) =>
  (callbacks: TurnCallbacks): Promise<TurnResult> =>
    runTurn(
      {
        ctx: noDatabase(),
        settings: settingsWith(),
        tools: [tool({ needs_approval })],
        readFile: async () => null,
        model,
        ...callbacks,
      },
      turnInput("Which sea?"),
    );

test("the answer is published as it streams, each text at its own offset, and matches the final message", async () => {
  const { model } = modelOf(
    toolCallStream(reasoningDelta("Hm."), textDelta("Let"), textDelta(" me see."), toolCall("look_up")),
    textParts("The North Sea."),
  );
  const { runtime, published } = recorder();
  const running = new ActiveTurn(answer(), runtime, turnOf(model));
  expect(await running.done).toMatchObject({ outcome: "complete", isInterrupted: false });
  const call_id = running.message.tools[0]!.call_id;
  expect(published).toEqual([
    { type: "reasoning.delta", message_id: 2, offset: 0, pieces: ["Hm."] },
    { type: "message.delta", message_id: 2, offset: 0, pieces: ["Let"] },
    { type: "message.delta", message_id: 2, offset: 3, pieces: [" me see."] },
    { type: "tool.started", message_id: 2, call_id, tool: "look_up", input: { city: "Zürich" } },
    expect.objectContaining({ type: "tool.finished", message_id: 2, call_id, status: "complete" }),
    { type: "message.delta", message_id: 2, offset: 11, pieces: ["\n\nThe North Sea."] },
  ]);
  expect(running.message).toMatchObject({
    text: "Let me see.\n\nThe North Sea.",
    parts: [
      { type: "reasoning", text: "Hm." },
      { type: "text", text: "Let me see." },
      { type: "tool", call_id },
      { type: "text", text: "\n\nThe North Sea." },
    ],
  });
});

test("a tool call waits for the first decision of the caller, and ignores later ones", async () => {
  const { model } = modelOf(toolCallStream(toolCall("look_up")), textParts("It is the North Sea."));
  const { runtime, published } = recorder();
  const running = new ActiveTurn(answer(), runtime, turnOf(model, true));
  const approvalFrame = () => published.find(({ type }) => type === "tool.approval_needed");
  await expect.poll(approvalFrame).toBeDefined();
  const { call_id } = approvalFrame() as unknown as ToolCall;
  expect([running.resolveApproval("another", true), running.resolveApproval(call_id, true)]).toEqual([false, true]);
  await running.done;
  expect(running.resolveApproval(call_id, true)).toBe(false);
  expect(running.message.tools).toMatchObject([{ call_id, status: "complete" }]);
});

test("a turn without new output for 30 seconds is interrupted, and its text is flushed twice a second", async () => {
  vi.useFakeTimers();
  const { runtime, flushes } = recorder();
  const running = new ActiveTurn(answer(), runtime, async ({ onEvent, signal }) => {
    onEvent({ type: "text", pieces: ["Ha", "lf"] });
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    return { ...result, outcome: "stopped" };
  });
  await vi.advanceTimersByTimeAsync(29_999);
  expect(flushes()).toBe(59);
  await vi.advanceTimersByTimeAsync(1);
  expect(await running.done).toMatchObject({ outcome: "stopped", isInterrupted: true });
});

test("a summary is reported to the caller and not published to clients", async () => {
  const { runtime, published, summaries } = recorder();
  const summary = { up_to: 1, text: "They asked about seas." };
  const running = new ActiveTurn(answer(), runtime, async ({ onEvent }) => {
    onEvent({ type: "summarised", summary });
    return result;
  });
  await running.done;
  expect([published, summaries]).toEqual([[], [summary]]);
});

test("a turn that throws ends like an interrupted turn", async () => {
  const { runtime } = recorder();
  const answering = new ActiveTurn(answer(), runtime, async ({ onEvent }) => {
    onEvent({ type: "text", pieces: ["Ha", "lf"] });
    throw new Error("nobody foresaw it");
  });
  const ending = await answering.done;
  expect(finishAnswer(noDatabase(), answering.message, ending)).toMatchObject({
    type: "turn.failed",
    code: "interrupted",
    retryable: true,
  });
  expect(answering.message).toMatchObject({ status: "interrupted", text: "Half" });
});

const result: TurnResult = {
  outcome: "complete",
  failure: null,
  memory_status: "full",
  finish_reason: "stop",
  model: "builtin/extractive",
  calls: [],
  tool_runs: [],
  has_retrieved: false,
};

import { describe, expect, test } from "vitest";
import { newAnswer } from "../../src/agent/message/apply-frame.ts";
import { eventToFrame } from "../../src/agent/message/event-frames.ts";
import { TurnFrame } from "../../src/agent/protocol.ts";
import { estimateInterruptedTurn, finishAnswer } from "../../src/agent/turn/finish-turn.ts";
import type { ToolCall } from "../../src/agent/types.ts";
import { noDatabase } from "./support/settings.ts";

const use: ToolCall = {
  call_id: "a",
  tool: "look_up",
  input: { city: "Zürich" },
  status: "running",
  output: null,
  duration_ms: null,
};
const citation = { number: 1, source: "rivers.md", text: "It ends.", score: 0.9, dataset_id: 3, start: 0, end: 8 };

describe("frames of a turn", () => {
  test.each([
    { type: "citation", citation } as const,
    { type: "tool_started", use } as const,
    { type: "approval_needed", use: { ...use, status: "awaiting_approval" } } as const,
    {
      type: "tool_finished",
      use: { ...use, status: "denied", output: "The user denied this tool call.", duration_ms: 0 },
    } as const,
  ])("the frame of a $type event matches the protocol", (event) => {
    const frame = eventToFrame(2, event);
    expect(TurnFrame.parse(frame)).toEqual(frame);
  });

  test.each(["complete", "stopped", "failed"] as const)("the last frame of a %s turn matches the protocol", (outcome) => {
    const answer = newAnswer(2, 1, "builtin/extractive");
    const failure = outcome === "failed" ? { code: "internal" as const, detail: "It failed.", retryable: false } : null;
    const frame = finishAnswer(noDatabase(), answer, {
      ...estimateInterruptedTurn(answer, []),
      isInterrupted: false,
      outcome,
      failure,
    });
    expect(TurnFrame.parse(frame)).toEqual(frame);
  });

  test("a tool.finished frame with a running status is rejected", () => {
    expect(() => eventToFrame(2, { type: "tool_finished", use })).toThrow("look_up is running.");
  });

  test("the protocol has no other turn frames", () => {
    expect(TurnFrame.safeParse({ type: "messages.removed", from_message_id: 1 }).success).toBe(false);
    expect(TurnFrame.safeParse({ type: "message.delta", message_id: 2, offset: -1, text: "x", from_seq: 1 }).success).toBe(
      false,
    );
  });
});

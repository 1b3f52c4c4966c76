import { expect, test } from "vitest";
import { applyFrame, newMessage, newAnswer } from "../../../src/agent/message/apply-frame.ts";
import { readStored, writeStored } from "../../../src/agent/message/codec.ts";

test("a stored message omits the text that its parts repeat, and decodes to the same message", () => {
  const question = { ...newMessage(1, 1), text: "Which sea?", parts: [{ type: "text" as const, text: "Which sea?" }] };
  const answer = newAnswer(2, 1, "builtin/extractive");
  applyFrame(answer, { type: "reasoning.delta", message_id: 2, offset: 0, text: "Hm." });
  applyFrame(answer, { type: "message.delta", message_id: 2, offset: 0, text: "Let me see. " });
  applyFrame(answer, { type: "tool.started", message_id: 2, call_id: "a", tool: "look_up", input: { text: "sea", parts: [] } });
  applyFrame(answer, { type: "message.delta", message_id: 2, offset: 12, text: "The North Sea." });
  const stored = { kind: "turn", of: { messages: [question, answer] } };
  const json = writeStored(stored);
  expect(json.split("The North Sea.")).toHaveLength(2);
  expect(readStored(json)).toEqual(stored);
});

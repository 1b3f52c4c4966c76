import { expect, test } from "vitest";
import { newMessage, newAnswer } from "../../../src/agent/message/apply-frame.ts";
import { finishAnswer } from "../../../src/agent/turn/finish-turn.ts";
import { maxAnswerLength, maxSteps, maxToolInput, maxToolResult, maxToolCallsPerStep } from "../../../src/agent/constants.ts";
import { maxMessageLength } from "../../../src/chat/constants.ts";
import type { Message } from "../../../src/agent/types.ts";
import { Outbox } from "../../../src/chat/sync/outbox.ts";
import { MessageStore } from "../../../src/chat/room/message-store.ts";
import type { TurnResult } from "../../../src/agent/events.ts";
import { memorySql } from "../../kit/socket/support/memory-sql.ts";
import { noDatabase } from "../../agent/support/settings.ts";

/** What Cloudflare lets a row have, in bytes. */
const rowBytes = 2_000_000;

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

/** As much as a turn can make: all of its calls of tools, and the longest text of characters of three bytes. */
function largest(): { userMessage: Message; answer: Message } {
  const question = "問".repeat(maxMessageLength);
  const userMessage: Message = { ...newMessage(1, 1), text: question, parts: [{ type: "text", text: question }] };
  const answer = newAnswer(2, 1, null);
  for (let call = 0; call < maxSteps * maxToolCallsPerStep; call += 1) {
    const call_id = crypto.randomUUID();
    const input = { text: "入".repeat(maxToolInput - 20) };
    answer.tools.push({ call_id, tool: "t", input, status: "complete", output: "出".repeat(maxToolResult), duration_ms: 1 });
    answer.parts.push({ type: "tool", call_id });
  }
  answer.text = "答".repeat(maxAnswerLength);
  answer.parts.push({ type: "text", text: answer.text });
  return { userMessage, answer };
}

test("the largest possible turn fits into the room's rows and is read back unchanged", () => {
  const { userMessage, answer } = largest();
  finishAnswer(noDatabase(), answer, { ...result, isInterrupted: false });
  const sql = memorySql();
  const [transcript, outbox] = [new MessageStore(sql), new Outbox(sql)];
  for (const message of [userMessage, answer]) transcript.put(message, 1);
  const whose = { conversation_id: 1, user_id: 1, minion_id: 1, title: "", message_count: 2 };
  const of = { ...whose, messages: [userMessage, answer] as const, result };
  outbox.add({ kind: "turn", of });
  for (const table of ["messages", "outbox"]) {
    const { most } = sql.exec<{ most: number }>(`select max(octet_length(body)) as most from ${table}`).one();
    expect(most).toBeGreaterThan(maxAnswerLength * 3);
    expect(most).toBeLessThan(rowBytes);
  }
  expect(transcript.after(0)).toEqual([userMessage, answer]);
  expect(outbox.first()?.entry).toEqual({ kind: "turn", of });
  expect(answer.tools[0]!.output).toHaveLength(maxToolResult);
  expect(answer.tools.at(-1)!.output).toContain("[cut: it has 16000 characters]");
});

import { beforeEach } from "vitest";
import { chatJobs } from "../../../src/chat/jobs.ts";
import { newMessage } from "../../../src/agent/message/apply-frame.ts";
import { toMessageId } from "../../../src/chat/constants.ts";
import type { Message } from "../../../src/agent/types.ts";
import type { TurnWrite } from "../../../src/chat/sync/write-to-postgres.ts";
import type { TurnCall, TurnResult } from "../../../src/agent/events.ts";
import { insertMinion } from "../../minions/support/minions.ts";
import { useServiceHarness, type ServiceHarness } from "../../support/service-harness.ts";

/** A service harness with a minion of its user, and rooms that the test provides, by their names. */
export type ChatHarness = ServiceHarness & { minionId: number; rooms: Record<string, unknown> };

export function useChatHarness(): ChatHarness {
  const CHAT_ROOM = { getByName: (name: string) => harness.rooms[name] };
  const service = useServiceHarness({ handlers: chatJobs, bindings: () => ({ CHAT_ROOM }) });
  const harness: ChatHarness = Object.assign(service, { minionId: 0, rooms: {} });
  beforeEach(async () => {
    harness.rooms = {};
    harness.minionId = await insertMinion(harness.database, harness.userId);
  });
  return harness;
}

type Owner = Pick<ChatHarness, "userId" | "minionId">;

/** Inserts a conversation, beside the rules. */
export async function insertConversation(harness: Owner & Pick<ChatHarness, "one">, columns: object = {}): Promise<number> {
  const row = { user_id: harness.userId, minion_id: harness.minionId, ...columns };
  const places = Object.keys(row).map((_, index) => `$${index + 1}`);
  const made = await harness.one(
    `insert into conversations (${Object.keys(row).join(", ")}) values (${places.join(", ")}) returning id`,
    Object.values(row),
  );
  return Number(made["id"]);
}

/** A turn that is over, as a room writes it: the `turn`th of its conversation, from 1. */
export function turnOf(
  { userId, minionId }: Owner,
  conversationId: number,
  given: Partial<TurnResult> & { turn?: number; question?: string; answer?: string } = {},
): TurnWrite {
  const { turn = 1, question: says = "How do eagles fly?", answer: answers = "They soar.", ...result } = given;
  const place = 2 * turn - 1;
  const statuses = { complete: "complete", stopped: "stopped", failed: "failed" } as const;
  const status = statuses[result.outcome ?? "complete"];
  return {
    conversation_id: conversationId,
    user_id: userId,
    minion_id: minionId,
    title: "Eagles",
    message_count: 2 * turn,
    messages: [
      messageOf(conversationId, place, { role: "user", text: says }),
      messageOf(conversationId, place + 1, { role: "assistant", text: answers, status }),
    ],
    result: {
      outcome: "complete",
      failure: null,
      memory_status: "full",
      finish_reason: "stop",
      model: "groq/llama",
      calls: [callOf()],
      tool_runs: [],
      has_retrieved: false,
      ...result,
    },
  };
}

/** The `place`th message of a conversation. */
export function messageOf(conversationId: number, place: number, given: Partial<Message> = {}): Message {
  const text = given.text ?? "";
  const at = (seconds: number) => new Date(Date.UTC(2026, 10, 25, 9, place, seconds)).toISOString();
  return {
    ...newMessage(toMessageId(conversationId, place), conversationId),
    role: "assistant",
    text,
    parts: [{ type: "text", text }],
    created_at: at(0),
    completed_at: at(30),
    ...given,
  };
}

/** A call that a turn made, of a model with a price. */
export function callOf(given: Partial<Omit<TurnCall, "record">> & { record?: Partial<TurnCall["record"]> } = {}): TurnCall {
  const { record, ...rest } = given;
  return {
    external_model_id: null,
    key_ref: null,
    is_key_rejected: false,
    ...rest,
    record: {
      provider: "groq",
      model_id: "llama",
      outcome: "complete",
      error_code: null,
      input_tokens: 100,
      output_tokens: 20,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      is_estimated: false,
      latency_ms: 300,
      first_token_ms: 90,
      attempts: [],
      ...record,
    },
  };
}

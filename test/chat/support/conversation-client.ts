import { afterAll, beforeAll } from "vitest";
import type { Message } from "../../../src/agent/types.ts";
import { clientOf, makeMinion, type Client } from "../../minions/support/minions.ts";
import { makeModel } from "../../models/support/connected-provider.ts";
import { ticketOf } from "../../notifications/support/notifications.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { createUser, type Person } from "../../support/users.ts";
import { connect, type Frame, type TestSocket } from "../../support/sockets.ts";
import { startFakeLlm, type FakeLlm } from "../../support/fake-llm.ts";

/** An API, and a model that says what a test wants. */
export type ChatSessions = { api: TestApi; llm: FakeLlm };

export function useChatSessions(): ChatSessions {
  const sessions = {} as ChatSessions;
  beforeAll(async () => {
    sessions.llm = await startFakeLlm();
    sessions.api = await startApi({ EGRESS_ALLOWED_HOSTS: sessions.llm.host });
  });
  afterAll(async () => {
    await sessions.api.close();
    await sessions.llm.close();
  });
  return sessions;
}

/** Somebody with a minion on the llm, and a conversation with it. */
export type ChatSession = { person: Person; client: Client; minionId: number; id: number };

export async function startChatSession({ api, llm }: ChatSessions, minion: object = {}): Promise<ChatSession> {
  const person = await createUser(api);
  const client = clientOf(api, person);
  const model = await makeModel(client, { base_url: llm.baseUrl, context_length: 100_000 });
  const { id: minionId } = await makeMinion(client, { model: String(model.id), ...minion });
  return { person, client, minionId, id: await openConversation(client, minionId) };
}

/** @returns the number of a new conversation @throws what was answered, if there is none */
export async function openConversation(client: Client, minionId: number): Promise<number> {
  const { status, body } = await client.post(`/minions/${minionId}/conversations`, {});
  if (status !== 201) throw new Error(JSON.stringify(body));
  return (body as { conversation: { id: number } }).conversation.id;
}

/** Opens a socket to a conversation, with a ticket of its own. */
export async function connectDevice(
  api: TestApi,
  { person, id }: Pick<ChatSession, "person" | "id">,
  after?: number,
): Promise<TestSocket> {
  const ticket = await ticketOf(api, person, `conversation:${id}`);
  const place = after === undefined ? "" : `&after=${after}`;
  return connect(new URL(`/api/v2/conversations/${id}/socket?ticket=${ticket}${place}`, api.url));
}

/** All messages of a conversation, as HTTP has them. */
export async function messagesOf({ client, id }: Pick<ChatSession, "client" | "id">): Promise<Message[]> {
  const { status, body } = await client.get(`/conversations/${id}/messages?limit=50`);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return (body as { messages: Message[] }).messages;
}

export const isOver = ({ type }: Frame) => type === "message.completed" || type === "turn.failed" || type === "turn.stopped";

/** The frames that came, those of replays among them, in order. */
export function framesIn(received: readonly Frame[]): Frame[] {
  return received.flatMap((frame) => (frame.type === "frames" ? (frame["frames"] as Frame[]) : [frame]));
}

/** What the deltas of a message say. */
export function textOf(received: readonly Frame[], messageId: number): string {
  return framesIn(received).reduce((text, frame) => {
    if (frame["message_id"] !== messageId) return text;
    if (frame.type === "message.reset") return text.slice(0, Number(frame["length"]));
    return frame.type === "message.delta" ? text.slice(0, Number(frame["offset"])) + String(frame["text"]) : text;
  }, "");
}

import { expect, test } from "vitest";
import { messagesOf, startChatSession, useChatSessions } from "../support/conversation-client.ts";

const sessions = useChatSessions();

test("a conversation is answering over HTTP while its turn runs, and is updated by each change", async () => {
  const session = await startChatSession(sessions);
  const { client, id } = session;
  const conversation = async () => (await client.get(`/conversations/${id}`)).body.conversation;
  const listed = async () => (await client.get("/conversations")).body.conversations[0];
  const created = await conversation();
  expect([created.is_answering, created.updated_at]).toEqual([false, created.created_at]);
  expect(await listed()).toEqual({ ...created, snippet: null });

  sessions.llm.replyWith({ pieces: ["Into the "], ends: false });
  const sent = client.post(`/conversations/${id}/messages`, { text: "Go on.", client_id: "one" });
  await expect.poll(async () => (await conversation()).is_answering).toBe(true);
  await expect.poll(async () => (await listed()).is_answering).toBe(true);
  const running = await conversation();
  const [question] = await messagesOf(session);
  expect(Date.parse(running.updated_at)).toBeGreaterThanOrEqual(Date.parse(question!.created_at));
  expect(running.version).toBe(created.version);
  const { body } = await client.patch(`/conversations/${id}`, { title: "Onward" });
  expect(body.conversation.is_answering).toBe(true);
  expect((await client.get(`/conversations/${id}/export`)).body.conversation.is_answering).toBe(true);

  await client.post(`/conversations/${id}/stop`);
  await sent;
  const [, answer] = await messagesOf(session);
  for (const stopped of [await conversation(), await listed()]) {
    expect(stopped.is_answering).toBe(false);
    expect(Date.parse(stopped.updated_at)).toBeGreaterThanOrEqual(Date.parse(answer!.completed_at!));
  }

  const rowOf = async () =>
    (await sessions.api.database.sql("select updated_at, message_count from conversations where id = $1", [id]))[0]!;
  await expect.poll(async () => (await rowOf())["message_count"]).toBe(2);
  const before = (await rowOf())["updated_at"] as Date;
  await client.post(`/conversations/${id}/messages/${answer!.id}/feedback`, { rating: "up" });
  await expect.poll(async () => Number((await rowOf())["updated_at"])).toBeGreaterThan(before.getTime());
});

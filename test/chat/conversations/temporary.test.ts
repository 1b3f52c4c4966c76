import { beforeEach, describe, expect, test } from "vitest";
import type { Client } from "../../minions/support/minions.ts";
import type { Frame } from "../../support/sockets.ts";
import {
  connectDevice,
  isOver,
  messagesOf,
  startChatSession,
  useChatSessions,
  type ChatSession,
} from "../support/conversation-client.ts";

/** Temporary conversations: they work as others do, and leave nothing behind. */

const sessions = useChatSessions();
let session: ChatSession;

/** Creates a temporary conversation. @returns its ID */
async function openTemporary(client: Client, minionId: number): Promise<number> {
  const { status, body } = await client.post(`/minions/${minionId}/conversations`, { temporary: true });
  expect([status, body.conversation]).toMatchObject([201, { temporary: true, title: "", kind: "chat" }]);
  return (body as { conversation: { id: number } }).conversation.id;
}

beforeEach(async () => {
  session = await startChatSession(sessions);
  session = { ...session, id: await openTemporary(session.client, session.minionId) };
  sessions.llm.replyWith({ pieces: ["A secret ", "answer."] });
});

const say = (text: string) => session.client.post(`/conversations/${session.id}/messages`, { text });
const system = () => sessions.llm.requests.at(-1)!.messages[0]!.content;
const written = () =>
  sessions.api.database.sql(
    "select role, status, text, body, removed_at is not null as is_cleared from messages where conversation_id = $1 order by id",
    [session.id],
  );
async function isWritten(): Promise<void> {
  await expect.poll(written).toHaveLength(2);
}

describe("a temporary conversation", () => {
  test("a temporary conversation is answered and can be read by its ID", async () => {
    expect((await say("My code word is zebra.")).body).toMatchObject({
      message: { text: "A secret answer.", status: "complete" },
    });
    expect((await messagesOf(session)).map(({ text }) => text)).toEqual(["My code word is zebra.", "A secret answer."]);
    const { body } = await session.client.get(`/conversations/${session.id}`);
    expect(body.conversation).toMatchObject({ temporary: true, title: "" });
    const { body: exported } = await session.client.get(`/conversations/${session.id}/export`);
    expect(exported).toMatchObject({ conversation: { temporary: true }, messages: [{}, {}] });
  });

  test("Postgres has neither its messages nor a title, but the usage and the experience of its turns", async () => {
    await say("My code word is zebra.");
    await isWritten();
    const cleared = { text: "", body: null, is_cleared: true, status: "complete" };
    expect(await written()).toEqual([
      { role: "user", ...cleared },
      { role: "assistant", ...cleared },
    ]);
    const { sql } = sessions.api.database;
    const rows = await sql("select to_jsonb(c)::text as row from conversations c where id = $1", [session.id]);
    expect(JSON.stringify(rows)).not.toMatch(/zebra|secret/);
    expect(await sql("select outcome from model_calls where minion_id = $1", [session.minionId])).toHaveLength(1);
    expect(await sql("select xp from xp_events where minion_id = $1", [session.minionId])).toEqual([{ xp: 5 }]);
  });

  test("a rating, a confirmation, a new answer and an edit write no text either", async () => {
    await say("My code word is zebra.");
    await isWritten();
    const [question, answer] = await messagesOf(session);
    const path = `/conversations/${session.id}/messages`;
    await session.client.post(`${path}/${answer!.id}/feedback`, { rating: "up", comment: "zebra" });
    await session.client.post(`${path}/${answer!.id}/confirm`, { kind: "task" });
    await session.client.post(`/conversations/${session.id}/regenerate`, {});
    await session.client.post(`${path}/${question!.id}/edit`, { text: "My code word is lion." });
    await expect.poll(written).toHaveLength(5);
    const experience = () =>
      sessions.api.database.sql("select source_type from xp_events where minion_id = $1 order by id", [session.minionId]);
    await expect.poll(experience).toContainEqual({ source_type: "confirmation" });
    expect((await written()).every(({ text, body, is_cleared }) => text === "" && body === null && is_cleared)).toBe(true);
  });

  test("it is in no list, in no search and not in the export of the account", async () => {
    await say("My code word is zebra.");
    await isWritten();
    await session.client.patch(`/conversations/${session.id}`, { title: "About zebras" });
    for (const query of ["", "?q=zebra", "?q=zebras", `?minion_id=${session.minionId}`]) {
      const { body } = await session.client.get(`/conversations${query}`);
      const ids = (body as { conversations: { id: number }[] }).conversations.map(({ id }) => id);
      expect(ids).not.toContain(session.id);
      expect(body.total).toBe(ids.length);
    }
    const { body } = await session.client.get("/me/export");
    expect(JSON.stringify(body)).not.toMatch(/zebra|secret answer/i);
  });

  test("it reads no facts and stores none, and the model cannot propose any", async () => {
    const memory = `/minions/${session.minionId}/memory`;
    await session.client.post(memory, { text: "My cat is called Mimi." });
    const { body } = await say("Hello");
    expect(system()).not.toContain("Mimi");
    const socket = await connectDevice(sessions.api, session);
    const isSnapshot = ({ type }: Frame) => type === "snapshot";
    expect(await socket.until(isSnapshot)).toMatchObject({ temporary: true });
    socket.send({ type: "message.send", client_id: "a", text: "Remember that I like tea." });
    await socket.until(isOver);
    expect(system()).not.toContain("Mimi");
    expect(sessions.llm.requests.at(-1)!.tools).toBeUndefined();
    const refused = await session.client.post(memory, { text: "x", message_id: (body.message as { id: number }).id });
    expect(refused).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining("temporary conversation") as string },
    });
    await session.client.post("/external-models/chat", {
      model_id: session.minionId,
      message: "Hello",
      conversation_id: session.id,
      use_memory: true,
    });
    expect(system()).not.toContain("Mimi");
  });

  test("it cannot be forked", async () => {
    const { body } = await say("Hello");
    const forked = await session.client.post(
      `/conversations/${session.id}/messages/${(body.message as { id: number }).id}/fork`,
    );
    expect(forked).toMatchObject({
      status: 409,
      body: { code: "conflict", detail: expect.stringContaining("cannot be forked") as string },
    });
  });

  test("it stays temporary when its room is out of memory", async () => {
    await say("Hello");
    await isWritten();
    await sessions.api.worker.evictDurableObject("CHAT_ROOM", { name: String(session.id) });
    await session.client.post(`/minions/${session.minionId}/memory`, { text: "My cat is called Mimi." });
    await say("My code word is zebra.");
    expect(system()).not.toContain("Mimi");
    await expect.poll(written).toHaveLength(4);
    expect(JSON.stringify(await written())).not.toContain("zebra");
  });
});

import { expect, test } from "vitest";
import { clientOf } from "../../minions/support/minions.ts";
import { ticketOf } from "../../notifications/support/notifications.ts";
import { createUser } from "../../support/users.ts";
import { connect, refusal, type Frame } from "../../support/sockets.ts";
import { words } from "../../support/fake-llm.ts";
import {
  openConversation,
  framesIn,
  isOver,
  connectDevice,
  messagesOf,
  startChatSession,
  textOf,
  useChatSessions,
  type ChatSession,
} from "../support/conversation-client.ts";

const sessions = useChatSessions();

const isSnapshot = ({ type }: Frame) => type === "snapshot";
const isDelta = ({ type }: Frame) => type === "message.delta";
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("a message over the socket is answered, and every device receives the same frames", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const [first, second] = [await connectDevice(api, session), await connectDevice(api, session)];
  await Promise.all([first, second].map((socket) => socket.until(isSnapshot)));
  llm.replyWith({ pieces: words(20), everyMs: 5 });
  first.send({ type: "message.send", client_id: "one", text: "How are you?" });
  const over = await first.until(isOver);
  await second.until(isOver);
  expect(over).toMatchObject({ type: "message.completed", xp: 5, memory_status: "full" });
  const [question, answer] = await messagesOf(session);
  expect(question).toMatchObject({ role: "user", text: "How are you?", status: "complete" });
  expect(answer).toMatchObject({ role: "assistant", text: words(20).join(""), status: "complete", model: "custom/my-model" });
  expect(answer!.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 });
  for (const socket of [first, second]) expect(textOf(socket.received, answer!.id)).toBe(answer!.text);
});

test("each delta of a chunk is one frame, and none is lost or merged", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const socket = await connectDevice(api, session);
  llm.replyWith({ pieces: words(400) });
  socket.send({ type: "message.send", client_id: "fast", text: "How fast are you?" });
  await socket.until(isOver);
  expect(socket.received.filter(isDelta).map(({ text }) => text)).toEqual(words(400));
  const [, answer] = await messagesOf(session);
  expect(answer).toMatchObject({ text: words(400).join(""), usage: { completion_tokens: 400 } });
});

test("impossible numbers of a provider are estimated, and every turn reaches Postgres", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const impossible = [
    { prompt_tokens: 11.5, completion_tokens: 3 },
    { prompt_tokens: 10, completion_tokens: -3 },
    { prompt_tokens: 9e15, completion_tokens: 9e15 },
    { prompt_tokens: 10, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 30 } },
  ];
  const pieces = ["One ", "two."];
  llm.replyWith(...impossible.map((usage) => ({ pieces, usage })), { pieces });
  for (let turn = 0; turn <= impossible.length; turn += 1) {
    const { status } = await session.client.post(`/conversations/${session.id}/messages`, { text: "Count." });
    expect(status).toBe(200);
  }
  const calls = () =>
    api.database.sql("select is_estimated, cache_read_tokens from model_calls where minion_id = $1 order by id", [
      session.minionId,
    ]);
  const estimated = { is_estimated: true, cache_read_tokens: 0 };
  await expect.poll(calls).toEqual([...impossible.map(() => estimated), { is_estimated: false, cache_read_tokens: 0 }]);
  expect(await api.database.sql("select from messages where conversation_id = $1", [session.id])).toHaveLength(10);
});

test("a repeated client_id creates one message, over the socket and over HTTP", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  llm.replyWith({ pieces: ["Yes."], everyMs: 50 });
  const before = llm.requests.length;
  const socket = await connectDevice(api, session);
  const message = { client_id: "twin", text: "Are you there?" };
  socket.send({ type: "message.send", ...message });
  const replies = await Promise.all([1, 2, 3].map(() => session.client.post(`/conversations/${session.id}/messages`, message)));
  expect(replies.map(({ status, body }) => [status, body.message?.text])).toEqual([1, 2, 3].map(() => [200, "Yes."]));
  expect(await messagesOf(session)).toHaveLength(2);
  expect(llm.requests.length - before).toBe(1);
});

test("a warm room makes no Postgres query before the first token", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  llm.replyWith({ pieces: ["One."] }, { pieces: words(3), everyMs: 300 });
  const socket = await connectDevice(api, session);
  await session.client.post(`/conversations/${session.id}/messages`, { text: "First" });
  await expect.poll(() => api.database.sql("select 1 from messages where conversation_id = $1", [session.id])).toHaveLength(2);
  await socket.until(isOver);
  const before = api.roundTrips();
  socket.send({ type: "message.send", client_id: "two", text: "Second" });
  await socket.until(isDelta);
  expect(api.roundTrips() - before).toBe(0);
  await socket.until(isOver);
});

test("a stop from another device aborts the provider call, and keeps and bills the partial answer", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const socket = await connectDevice(api, session);
  llm.replyWith({ pieces: words(500), everyMs: 20 });
  socket.send({ type: "message.send", client_id: "long", text: "Tell me a long story." });
  await socket.until(isDelta);
  await pause(300);
  expect(await session.client.post(`/conversations/${session.id}/stop`)).toMatchObject({
    status: 200,
    body: { stopped: true },
  });
  await expect.poll(() => llm.openReplies()).toBe(0);
  expect(await socket.until(isOver)).toMatchObject({ type: "turn.stopped", usage: { prompt_tokens: expect.any(Number) } });
  const [, answer] = await messagesOf(session);
  expect(answer).toMatchObject({ status: "stopped" });
  expect(answer!.text.length).toBeGreaterThan(10);
  expect(answer!.text.length).toBeLessThan(words(500).join("").length);
  expect(textOf(socket.received, answer!.id)).toBe(answer!.text);
  const calls = () =>
    api.database.sql("select outcome, output_tokens from model_calls where minion_id = $1", [session.minionId]);
  await expect.poll(calls).toEqual([{ outcome: "stopped", output_tokens: expect.any(Number) }]);
  expect(Number((await calls())[0]!["output_tokens"])).toBeGreaterThan(0);
  expect(await session.client.post(`/conversations/${session.id}/stop`)).toMatchObject({ body: { stopped: false } });
});

test("disconnecting does not stop the answer, and a reconnecting client receives what it missed", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const away = await connectDevice(api, session);
  llm.replyWith({ pieces: words(60), everyMs: 10 });
  away.send({ type: "message.send", client_id: "x", text: "Go on." });
  await away.until(isDelta);
  const { seq } = await away.until(isDelta);
  away.raw.terminate();
  await pause(200);
  const back = await connectDevice(api, session, seq);
  await back.until((frame) => framesIn([frame]).some(isOver));
  const [, answer] = await messagesOf(session);
  const received = [...away.received.filter((frame) => frame.seq <= seq), ...back.received];
  expect(answer!.text).toBe(words(60).join(""));
  expect(textOf(received, answer!.id)).toBe(answer!.text);
});

test("a message during a running answer and an unknown frame are refused with an error frame", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const socket = await connectDevice(api, session);
  llm.replyWith({ pieces: words(20), everyMs: 30 });
  const isError = ({ type }: Frame) => type === "error";
  socket.send({ type: "message.send", client_id: "a", text: "One" });
  await socket.until(isDelta);
  socket.send({ type: "message.send", client_id: "b", text: "Two" });
  expect(await socket.until(isError)).toMatchObject({ code: "conflict", client_id: "b" });
  socket.send({ type: "message.send", client_id: "c", text: " " });
  const blank = { path: "text", in: "body", message: "must have at least 1 character" };
  expect(await socket.until(isError)).toMatchObject({ code: "malformed_frame", client_id: "c", errors: [blank] });
  socket.send({ type: "message.send", client_id: "d", text: "a\0b" });
  const unstorable = { path: "text", in: "body", message: "has a character that cannot be stored" };
  expect(await socket.until(isError)).toMatchObject({ code: "malformed_frame", errors: [unstorable] });
  socket.send({ type: "what" });
  expect(await socket.until(isError)).toMatchObject({ code: "unknown_frame", errors: [{ path: "type" }] });
  socket.send({ type: "tool.approve", call_id: "none" });
  expect(await socket.until(isError)).toMatchObject({ code: "not_found" });
  await socket.until(isOver);
});

test("typing and presence frames are broadcast and not stored", async () => {
  const { api } = sessions;
  const session = await startChatSession(sessions);
  const [one, other] = [await connectDevice(api, session), await connectDevice(api, session)];
  await other.until(({ type }) => type === "presence");
  one.send({ type: "typing" });
  expect(await other.until(({ type }) => type === "typing")).toMatchObject({
    is_typing: true,
    device: `session:${session.person.sessionId}`,
  });
  const late = await connectDevice(api, session, 0);
  await late.until(({ type }) => type === "presence");
  expect(framesIn(late.received).some(({ type }) => type === "typing")).toBe(false);
});

test("a room resumes after hibernation with its open sockets", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const socket = await connectDevice(api, session);
  llm.replyWith({ pieces: ["One."] });
  socket.send({ type: "message.send", client_id: "one", text: "First" });
  await socket.until(isOver);
  const projected = () => api.database.sql("select 1 from messages where conversation_id = $1", [session.id]);
  await expect.poll(projected).toHaveLength(2);
  await api.worker.evictDurableObject("CHAT_ROOM", { name: String(session.id), webSockets: "hibernate" });
  socket.send({ type: "message.send", client_id: "two", text: "Second" });
  await socket.until(isOver);
  const seqs = framesIn(socket.received).map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect((await messagesOf(session)).map(({ text }) => text)).toEqual(["First", "One.", "Second", "One."]);
});

test("a rejected provider key fails the turn with a clear error, and the conversation stays usable", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const socket = await connectDevice(api, session);
  llm.replyWith({ pieces: [], status: 401 });
  socket.send({ type: "message.send", client_id: "x", text: "Hello?" });
  expect(await socket.until(isOver)).toMatchObject({
    type: "turn.failed",
    code: "provider_key_rejected",
    retryable: false,
    status: "failed",
  });
  llm.replyWith({ pieces: ["Here."] });
  const { body } = await session.client.post(`/conversations/${session.id}/messages`, { text: "And now?" });
  expect(body.message).toMatchObject({ status: "complete", text: "Here." });
});

test("only a ticket of the owner and an allowed origin open the socket", async () => {
  const { api } = sessions;
  const [session, stranger] = [await startChatSession(sessions), await createUser(api)];
  const other = await startChatSession(sessions);
  const addressOf = (ticket: string, id = session.id) =>
    new URL(`/api/v2/conversations/${id}/socket?ticket=${ticket}`, api.url);
  await expect(ticketOf(api, stranger, `conversation:${session.id}`)).resolves.toBeUndefined();
  const foreign = await ticketOf(api, other.person, `conversation:${other.id}`);
  expect(await refusal(addressOf(foreign))).toMatchObject({ status: 401 });
  const mine = await ticketOf(api, session.person, `conversation:${session.id}`);
  await expect(connect(addressOf(mine), { origin: "https://evil.example" })).rejects.toThrow("403");
  await (await connect(addressOf(mine))).close();
});

test("revoking a session closes its conversation sockets, and an edited minion answers with its new settings", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  llm.replyWith({ pieces: ["Fine."] });
  await session.client.post(`/conversations/${session.id}/messages`, { text: "How are you?" });
  await session.client.patch(`/minions/${session.minionId}`, { system_prompt: "Speak like a pirate." });
  const isPirate = async () => {
    await session.client.post(`/conversations/${session.id}/messages`, { text: "And now?" });
    return llm.requests.at(-1)!.messages[0]!.content.includes("pirate");
  };
  await expect.poll(isPirate).toBe(true);
  const socket = await connectDevice(api, session);
  await socket.until(isSnapshot);
  await session.client.post("/../auth/logout");
  expect(await socket.closed).toMatchObject({ code: 4003 });
});

test("a warm room uses new pinned facts although no notification reached it, and keeps its title", async () => {
  const { api, llm } = sessions;
  llm.replyWith({ pieces: ["Fine."] });
  const session = await startChatSession(sessions);
  const postMessage = () => session.client.post(`/conversations/${session.id}/messages`, { text: "How are you doing?" });
  const systemPrompt = () => llm.requests.at(-1)!.messages[0]!.content;
  await postMessage();
  await session.client.patch(`/conversations/${session.id}`, { pinned_facts: ["My cat is called Mimi."] });
  await expect.poll(async () => (await postMessage(), systemPrompt())).toContain("Mimi");
  // As if the room had not been reached.
  const edit = "update conversations set pinned_facts = $2, version = version + 1 where id = $1";
  await api.database.sql(edit, [session.id, ["My dog is called Rex."]]);
  await session.client.patch(`/minions/${session.minionId}`, { description: "Changed" });
  await expect.poll(async () => (await postMessage(), systemPrompt())).toContain("Rex");
  expect(systemPrompt()).not.toContain("Mimi");
  const title = async () => (await session.client.get(`/conversations/${session.id}`)).body.conversation.title as string;
  await expect.poll(title).toBe("How are you doing?");
});

test("a ban closes all conversation sockets, and a trashed minion no longer answers in a warm room", async () => {
  const { api, llm } = sessions;
  llm.replyWith({ pieces: ["Fine."] });
  const postMessage = ({ client, id }: Pick<ChatSession, "client" | "id">) =>
    client.post(`/conversations/${id}/messages`, { text: "Well?" });
  const session = await startChatSession(sessions);
  expect((await postMessage(session)).status).toBe(200);
  await session.client.delete(`/minions/${session.minionId}`);
  await expect.poll(async () => (await postMessage(session)).status).toBe(404);
  await session.client.post(`/minions/${session.minionId}/restore`);
  await expect.poll(async () => (await postMessage(session)).status).toBe(200);

  const socket = await connectDevice(api, session);
  await socket.until(isSnapshot);
  const admin = clientOf(api, await createUser(api, ["superuser"]));
  const banned = await admin.post(`/admin/users/${session.person.id}/ban`, { reason: "spam" });
  expect(banned.status).toBe(200);
  expect(await socket.closed).toMatchObject({ code: 4003 });
  expect((await postMessage(session)).status).toBe(401);
});

test("a turn that runs while Postgres is down is written once when Postgres is back", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const socket = await connectDevice(api, session);
  llm.replyWith({ pieces: ["One."] }, { pieces: ["Two."] });
  await session.client.post(`/conversations/${session.id}/messages`, { text: "First" });
  const rows = () => api.database.sql("select text, status from messages where conversation_id = $1 order by id", [session.id]);
  await expect.poll(rows).toHaveLength(2);
  await api.stopPostgres();
  socket.send({ type: "message.send", client_id: "second", text: "Second" });
  expect(await socket.until(isOver)).toMatchObject({ type: "message.completed" });
  expect(await socket.until(isOver)).toMatchObject({ type: "message.completed" });
  await api.startPostgres();
  await expect.poll(rows).toEqual([["First"], ["One."], ["Second"], ["Two."]].map(([text]) => ({ text, status: "complete" })));
  const events = await api.database.sql("select xp, source_type from xp_events where minion_id = $1", [session.minionId]);
  expect(events.map(({ xp }) => xp)).toEqual([5, 5]);
  const again = await openConversation(session.client, session.minionId);
  expect(again).toBeGreaterThan(session.id);
});

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
  startTalk,
  textOf,
  useChatting,
  type ChatSession,
} from "../support/conversation-client.ts";

const chatting = useChatting();

const isSnapshot = ({ type }: Frame) => type === "snapshot";
const isDelta = ({ type }: Frame) => type === "message.delta";
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("a message over the socket is answered, and everybody in the room sees the same", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const [first, second] = [await connectDevice(api, talk), await connectDevice(api, talk)];
  await Promise.all([first, second].map((socket) => socket.until(isSnapshot)));
  speaker.replyWith({ pieces: words(20), everyMs: 5 });
  first.send({ type: "message.send", client_id: "one", text: "How are you?" });
  const over = await first.until(isOver);
  await second.until(isOver);
  expect(over).toMatchObject({ type: "message.completed", xp: 5, memory_status: "full" });
  const [asked, answer] = await messagesOf(talk);
  expect(asked).toMatchObject({ role: "user", text: "How are you?", status: "complete" });
  expect(answer).toMatchObject({ role: "assistant", text: words(20).join(""), status: "complete", model: "custom/my-model" });
  expect(answer!.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 });
  for (const socket of [first, second]) expect(textOf(socket.received, answer!.id)).toBe(answer!.text);
});

test("what a fast model says in one breath is a frame a piece, none lost and none joined", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const socket = await connectDevice(api, talk);
  speaker.replyWith({ pieces: words(400) });
  socket.send({ type: "message.send", client_id: "fast", text: "How fast are you?" });
  await socket.until(isOver);
  expect(socket.received.filter(isDelta).map(({ text }) => text)).toEqual(words(400));
  const [, answer] = await messagesOf(talk);
  expect(answer).toMatchObject({ text: words(400).join(""), usage: { completion_tokens: 400 } });
});

test("impossible numbers of a provider are estimated, and every turn reaches Postgres", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const impossible = [
    { prompt_tokens: 11.5, completion_tokens: 3 },
    { prompt_tokens: 10, completion_tokens: -3 },
    { prompt_tokens: 9e15, completion_tokens: 9e15 },
    { prompt_tokens: 10, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 30 } },
  ];
  const pieces = ["One ", "two."];
  speaker.replyWith(...impossible.map((usage) => ({ pieces, usage })), { pieces });
  for (let turn = 0; turn <= impossible.length; turn += 1) {
    const { status } = await talk.client.post(`/conversations/${talk.id}/messages`, { text: "Count." });
    expect(status).toBe(200);
  }
  const calls = () =>
    api.database.sql("select is_estimated, cache_read_tokens from model_calls where minion_id = $1 order by id", [
      talk.minionId,
    ]);
  const estimated = { is_estimated: true, cache_read_tokens: 0 };
  await expect.poll(calls).toEqual([...impossible.map(() => estimated), { is_estimated: false, cache_read_tokens: 0 }]);
  expect(await api.database.sql("select from messages where conversation_id = $1", [talk.id])).toHaveLength(10);
});

test("one client_id is one message, however often it is sent and by whichever door", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  speaker.replyWith({ pieces: ["Yes."], everyMs: 50 });
  const before = speaker.requests.length;
  const socket = await connectDevice(api, talk);
  const message = { client_id: "twin", text: "Are you there?" };
  socket.send({ type: "message.send", ...message });
  const replies = await Promise.all([1, 2, 3].map(() => talk.client.post(`/conversations/${talk.id}/messages`, message)));
  expect(replies.map(({ status, body }) => [status, body.message?.text])).toEqual([1, 2, 3].map(() => [200, "Yes."]));
  expect(await messagesOf(talk)).toHaveLength(2);
  expect(speaker.requests.length - before).toBe(1);
});

test("a warm room asks Postgres nothing before the first token", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  speaker.replyWith({ pieces: ["One."] }, { pieces: words(3), everyMs: 300 });
  const socket = await connectDevice(api, talk);
  await talk.client.post(`/conversations/${talk.id}/messages`, { text: "First" });
  await expect.poll(() => api.database.sql("select 1 from messages where conversation_id = $1", [talk.id])).toHaveLength(2);
  await socket.until(isOver);
  const before = api.roundTrips();
  socket.send({ type: "message.send", client_id: "two", text: "Second" });
  await socket.until(isDelta);
  expect(api.roundTrips() - before).toBe(0);
  await socket.until(isOver);
});

test("stop, from another device, ends the provider's answer within a second, and keeps and bills what there is", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const socket = await connectDevice(api, talk);
  speaker.replyWith({ pieces: words(500), everyMs: 20 });
  socket.send({ type: "message.send", client_id: "long", text: "Tell me a long story." });
  await socket.until(isDelta);
  await pause(300);
  const stoppedAt = performance.now();
  expect(await talk.client.post(`/conversations/${talk.id}/stop`)).toMatchObject({ status: 200, body: { stopped: true } });
  await expect.poll(() => speaker.open()).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(1_000);
  expect(await socket.until(isOver)).toMatchObject({ type: "turn.stopped", usage: { prompt_tokens: expect.any(Number) } });
  const [, answer] = await messagesOf(talk);
  expect(answer).toMatchObject({ status: "stopped" });
  expect(answer!.text.length).toBeGreaterThan(10);
  expect(textOf(socket.received, answer!.id)).toBe(answer!.text);
  const calls = () => api.database.sql("select outcome, output_tokens from model_calls where minion_id = $1", [talk.minionId]);
  await expect.poll(calls).toEqual([{ outcome: "stopped", output_tokens: expect.any(Number) }]);
  expect(Number((await calls())[0]!["output_tokens"])).toBeGreaterThan(0);
  expect(await talk.client.post(`/conversations/${talk.id}/stop`)).toMatchObject({ body: { stopped: false } });
});

test("who leaves stops nothing, and is told what they missed when they come back", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const away = await connectDevice(api, talk);
  speaker.replyWith({ pieces: words(60), everyMs: 10 });
  away.send({ type: "message.send", client_id: "x", text: "Go on." });
  await away.until(isDelta);
  const { seq } = await away.until(isDelta);
  away.raw.terminate();
  await pause(200);
  const back = await connectDevice(api, talk, seq);
  await back.until((frame) => framesIn([frame]).some(isOver));
  const [, answer] = await messagesOf(talk);
  const heard = [...away.received.filter((frame) => frame.seq <= seq), ...back.received];
  expect(answer!.text).toBe(words(60).join(""));
  expect(textOf(heard, answer!.id)).toBe(answer!.text);
});

test("while the minion answers, another message is refused, and frames nobody knows are told so", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const socket = await connectDevice(api, talk);
  speaker.replyWith({ pieces: words(20), everyMs: 30 });
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

test("typing and presence are told, and not kept", async () => {
  const { api } = chatting;
  const talk = await startTalk(chatting);
  const [one, other] = [await connectDevice(api, talk), await connectDevice(api, talk)];
  await other.until(({ type }) => type === "presence");
  one.send({ type: "typing" });
  expect(await other.until(({ type }) => type === "typing")).toMatchObject({
    is_typing: true,
    device: `session:${talk.person.sessionId}`,
  });
  const late = await connectDevice(api, talk, 0);
  await late.until(({ type }) => type === "presence");
  expect(framesIn(late.received).some(({ type }) => type === "typing")).toBe(false);
});

test("a room that hibernates goes on where it was, with its sockets", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const socket = await connectDevice(api, talk);
  speaker.replyWith({ pieces: ["One."] });
  socket.send({ type: "message.send", client_id: "one", text: "First" });
  await socket.until(isOver);
  const projected = () => api.database.sql("select 1 from messages where conversation_id = $1", [talk.id]);
  await expect.poll(projected).toHaveLength(2);
  await api.worker.evictDurableObject("CHAT_ROOM", { name: String(talk.id), webSockets: "hibernate" });
  socket.send({ type: "message.send", client_id: "two", text: "Second" });
  await socket.until(isOver);
  const seqs = framesIn(socket.received).map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect((await messagesOf(talk)).map(({ text }) => text)).toEqual(["First", "One.", "Second", "One."]);
});

test("a provider that turns the key away fails the turn in words, and the conversation goes on", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const socket = await connectDevice(api, talk);
  speaker.replyWith({ pieces: [], status: 401 });
  socket.send({ type: "message.send", client_id: "x", text: "Hello?" });
  expect(await socket.until(isOver)).toMatchObject({
    type: "turn.failed",
    code: "provider_key_rejected",
    retryable: false,
    status: "failed",
  });
  speaker.replyWith({ pieces: ["Here."] });
  const { body } = await talk.client.post(`/conversations/${talk.id}/messages`, { text: "And now?" });
  expect(body.message).toMatchObject({ status: "complete", text: "Here." });
});

test("only a ticket of its owner's opens a conversation, and no page of another site does", async () => {
  const { api } = chatting;
  const [talk, stranger] = [await startTalk(chatting), await createUser(api)];
  const other = await startTalk(chatting);
  const addressOf = (ticket: string, id = talk.id) => new URL(`/api/v2/conversations/${id}/socket?ticket=${ticket}`, api.url);
  await expect(ticketOf(api, stranger, `conversation:${talk.id}`)).resolves.toBeUndefined();
  const foreign = await ticketOf(api, other.person, `conversation:${other.id}`);
  expect(await refusal(addressOf(foreign))).toMatchObject({ status: 401 });
  const mine = await ticketOf(api, talk.person, `conversation:${talk.id}`);
  await expect(connect(addressOf(mine), { origin: "https://evil.example" })).rejects.toThrow("403");
  await (await connect(addressOf(mine))).close();
});

test("signing a device out closes what it listens to in every conversation, and a minion that is changed answers as it is now", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  speaker.replyWith({ pieces: ["Fine."] });
  await talk.client.post(`/conversations/${talk.id}/messages`, { text: "How are you?" });
  await talk.client.patch(`/minions/${talk.minionId}`, { system_prompt: "Speak like a pirate." });
  const isPirate = async () => {
    await talk.client.post(`/conversations/${talk.id}/messages`, { text: "And now?" });
    return speaker.requests.at(-1)!.messages[0]!.content.includes("pirate");
  };
  await expect.poll(isPirate).toBe(true);
  const socket = await connectDevice(api, talk);
  await socket.until(isSnapshot);
  await talk.client.post("/../auth/logout");
  expect(await socket.closed).toMatchObject({ code: 4003 });
});

test("what is pinned reaches a warm room, though nobody told it, and a title that was made stays", async () => {
  const { api, speaker } = chatting;
  speaker.replyWith({ pieces: ["Fine."] });
  const talk = await startTalk(chatting);
  const say = () => talk.client.post(`/conversations/${talk.id}/messages`, { text: "How are you doing?" });
  const told = () => speaker.requests.at(-1)!.messages[0]!.content;
  await say();
  await talk.client.patch(`/conversations/${talk.id}`, { pinned_facts: ["My cat is called Mimi."] });
  await expect.poll(async () => (await say(), told())).toContain("Mimi");
  // As if the room had not been reached.
  const edit = "update conversations set pinned_facts = $2, version = version + 1 where id = $1";
  await api.database.sql(edit, [talk.id, ["My dog is called Rex."]]);
  await talk.client.patch(`/minions/${talk.minionId}`, { description: "Changed" });
  await expect.poll(async () => (await say(), told())).toContain("Rex");
  expect(told()).not.toContain("Mimi");
  const title = async () => (await talk.client.get(`/conversations/${talk.id}`)).body.conversation.title as string;
  await expect.poll(title).toBe("How are you doing?");
});

test("a ban closes every conversation, and a minion in the bin answers no more, though its room is warm", async () => {
  const { api, speaker } = chatting;
  speaker.replyWith({ pieces: ["Fine."] });
  const say = ({ client, id }: Pick<ChatSession, "client" | "id">) =>
    client.post(`/conversations/${id}/messages`, { text: "Well?" });
  const talk = await startTalk(chatting);
  expect((await say(talk)).status).toBe(200);
  await talk.client.delete(`/minions/${talk.minionId}`);
  await expect.poll(async () => (await say(talk)).status).toBe(404);
  await talk.client.post(`/minions/${talk.minionId}/restore`);
  await expect.poll(async () => (await say(talk)).status).toBe(200);

  const socket = await connectDevice(api, talk);
  await socket.until(isSnapshot);
  const admin = clientOf(api, await createUser(api, ["superuser"]));
  const banned = await admin.post(`/admin/users/${talk.person.id}/ban`, { reason: "spam" });
  expect(banned.status).toBe(200);
  expect(await socket.closed).toMatchObject({ code: 4003 });
  expect((await say(talk)).status).toBe(401);
});

test("Postgres may be out while a turn runs: what happened is there once it is back, once", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const socket = await connectDevice(api, talk);
  speaker.replyWith({ pieces: ["One."] }, { pieces: ["Two."] });
  await talk.client.post(`/conversations/${talk.id}/messages`, { text: "First" });
  const rows = () => api.database.sql("select text, status from messages where conversation_id = $1 order by id", [talk.id]);
  await expect.poll(rows).toHaveLength(2);
  await api.stopPostgres();
  socket.send({ type: "message.send", client_id: "second", text: "Second" });
  expect(await socket.until(isOver)).toMatchObject({ type: "message.completed" });
  expect(await socket.until(isOver)).toMatchObject({ type: "message.completed" });
  await api.startPostgres();
  await expect
    .poll(rows, { timeout: 15_000 })
    .toEqual([["First"], ["One."], ["Second"], ["Two."]].map(([text]) => ({ text, status: "complete" })));
  const events = await api.database.sql("select xp, source_type from xp_events where minion_id = $1", [talk.minionId]);
  expect(events.map(({ xp }) => xp)).toEqual([5, 5]);
  const again = await openConversation(talk.client, talk.minionId);
  expect(again).toBeGreaterThan(talk.id);
});

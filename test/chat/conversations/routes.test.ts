import { beforeEach, describe, expect, test } from "vitest";
import { databaseTrips, faultsIn, picture, refusalIn } from "../../minions/support/minions.ts";
import { authHeader, createUser, type Person } from "../../support/users.ts";
import { connect, refusal } from "../../support/sockets.ts";
import { ticketOf } from "../../notifications/support/notifications.ts";
import { bodyOf } from "../../support/api.ts";
import { words } from "../../support/fake-llm.ts";
import { messagesOf, startChatSession, useChatSessions, type ChatSession } from "../support/conversation-client.ts";

const sessions = useChatSessions();
let session: ChatSession;
let other: Person;

beforeEach(async () => {
  session = await startChatSession(sessions);
  other = await createUser(sessions.api);
  sessions.llm.replyWith({ pieces: words(5) });
});

const at = (path: string) => `/conversations/${session.id}${path}`;
const postMessage = (text: string, given: object = {}) => session.client.post(at("/messages"), { text, ...given });
const messagesInPostgres = () =>
  sessions.api.database.sql("select text from messages where conversation_id = $1 order by id", [session.id]);

describe("POST /conversations/:id/messages", () => {
  test("a posted message is answered without a Postgres query, is deduplicated by client_id, and is found later", async () => {
    const first = await postMessage("Do eagles soar?", { client_id: "one" });
    expect([first.status, databaseTrips(first)]).toEqual([200, 0]);
    expect(first.body).toMatchObject({
      success: true,
      message: { role: "assistant", text: words(5).join(""), status: "complete", conversation_id: session.id },
    });
    const again = await postMessage("Do eagles soar?", { client_id: "one" });
    expect(again.body).toEqual(first.body);
    expect(await messagesOf(session)).toHaveLength(2);
    await expect.poll(messagesInPostgres).toContainEqual({ text: "Do eagles soar?" });
    const { body } = await session.client.get("/conversations?q=eagle");
    expect(body).toMatchObject({ total: 1, conversations: [{ id: session.id, snippet: "Do eagles soar" }] });
    expect((await session.client.get(at(""))).body.conversation).toMatchObject({
      message_count: 2,
      title: expect.stringMatching(/./),
    });
  });

  test("a failed message has its error and can be regenerated", async () => {
    const { body } = await session.client.get("/external-models");
    const model = `/external-models/${body.models[0].id}`;
    await session.client.put(model, { is_active: false });
    const failed = await postMessage("How are you?");
    expect([failed.status, failed.body.message]).toMatchObject([
      200,
      { status: "failed", error: { code: "provider_not_configured" } },
    ]);
    await session.client.put(model, { is_active: true });
    sessions.llm.replyWith({ pieces: words(3) });
    const anew = await session.client.post(at("/regenerate"));
    expect(anew.body.message).toMatchObject({ status: "complete", text: words(3).join("") });
    expect((await messagesOf(session)).map(({ status }) => status)).toEqual(["complete", "complete"]);
  });

  test("a message can be edited and rated, and confirmed once", async () => {
    const { body } = await postMessage("How are you?");
    const [question] = await messagesOf(session);
    const edited = await session.client.post(at(`/messages/${question!.id}/edit`), { text: "Who are you?" });
    expect(edited.body.message).toMatchObject({ role: "assistant", status: "complete" });
    expect((await messagesOf(session)).map(({ text }) => text)).toEqual(["Who are you?", words(5).join("")]);
    const its = `/messages/${edited.body.message.id}`;
    const rated = await session.client.post(at(`${its}/feedback`), { rating: "up" });
    expect(rated.body.message.feedback).toEqual({ rating: "up", comment: "" });
    for (const status of [200, 200]) {
      const confirmed = await session.client.post(at(`${its}/confirm`), { kind: "task" });
      expect([confirmed.status, confirmed.body.message.confirmed]).toEqual([status, "task"]);
    }
    expect(refusalIn(await session.client.post(at(`${its}/confirm`), { kind: "error" }))).toEqual([409, "conflict"]);
    expect(refusalIn(await session.client.get(at(`/messages/${body.message.id}`)))).toEqual([404, "not_found"]);
    expect((await session.client.get(at(its))).body.message).toMatchObject({ confirmed: "task", feedback: { rating: "up" } });
    const gained = () =>
      sessions.api.database.sql("select source_type, xp from xp_events where minion_id = $1 order by id", [session.minionId]);
    await expect.poll(gained).toEqual([
      { source_type: "message", xp: 5 },
      { source_type: "message", xp: 5 },
      { source_type: "confirmation", xp: 25 },
    ]);
  });

  test("an invalid message is refused with a reason", async () => {
    expect(faultsIn(await postMessage(" "))).toEqual(["text"]);
    expect(
      faultsIn(await postMessage("x".repeat(16_001), { client_id: "ä", attachment_ids: ["a", "b", "c", "d", "e"] })),
    ).toEqual(["text", "client_id", "attachment_ids"]);
    expect(faultsIn(await session.client.post(at("/messages/1/feedback"), { rating: "sideways" }))).toEqual(["rating"]);
    expect(faultsIn(await session.client.get(at("/messages?limit=101&cursor=x")))).toEqual(["limit", "cursor"]);
    expect(await messagesOf(session)).toEqual([]);
  });
});

test("messages are paginated, the newest page first, each in chronological order", async () => {
  for (const text of ["one", "two", "three"]) await postMessage(text);
  const page = async (query: string) => (await session.client.get(at(`/messages?limit=4${query}`))).body;
  const latest = await page("");
  const earlier = await page(`&cursor=${latest.next_cursor}`);
  const questions = ({ messages }: { messages: { role: string; text: string }[] }) =>
    messages.filter(({ role }) => role === "user").map(({ text }) => text);
  expect([questions(latest), questions(earlier), latest.total]).toEqual([["two", "three"], ["one"], 6]);
  expect(earlier).not.toHaveProperty("next_cursor");
});

test("a fork copies its files and is independent of its source", async () => {
  const { api } = sessions;
  const attaching = { ...authHeader(session.person.token), "content-type": "text/plain" };
  const asking = { method: "POST", headers: attaching, body: "A file." };
  const { attachment } = await bodyOf(await api.get(`/api/v2${at("/attachments")}`, asking));
  const { body } = await postMessage("How are you?", { attachment_ids: [attachment.id] });
  const headers = { "idempotency-key": "fork" };
  const path = at(`/messages/${body.message.id}/fork`);
  const [forked, again] = [
    await session.client.post(path, undefined, headers),
    await session.client.post(path, undefined, headers),
  ];
  expect([forked.status, again.status, again.body]).toEqual([201, 201, forked.body]);
  const fork = { ...session, id: forked.body.conversation.id as number };
  expect((await messagesOf(fork)).map(({ text }) => text)).toEqual(["How are you?", words(5).join("")]);
  for (const id of [session.id, fork.id]) {
    const file = `/api/v2/conversations/${id}/attachments/${attachment.id}`;
    expect(await (await api.get(file, { headers: authHeader(session.person.token) })).text()).toBe("A file.");
    expect((await api.get(file, { headers: authHeader(other.token) })).status).toBe(404);
  }
  await fork.client.post(`/conversations/${fork.id}/messages`, { text: "And now?" });
  expect([(await messagesOf(fork)).length, (await messagesOf(session)).length]).toEqual([4, 2]);
});

test("a fork without new messages keeps its messages and files when its source is edited or deleted", async () => {
  const { api } = sessions;
  const attaching = { ...authHeader(session.person.token), "content-type": "text/plain" };
  const asking = { method: "POST", headers: attaching, body: "A file." };
  const { attachment } = await bodyOf(await api.get(`/api/v2${at("/attachments")}`, asking));
  const { body } = await postMessage("How are you?", { attachment_ids: [attachment.id] });
  const path = at(`/messages/${body.message.id}/fork`);
  const forks = [await session.client.post(path), await session.client.post(path)].map((reply) =>
    Number(reply.body.conversation.id),
  );
  const texts = ["How are you?", words(5).join("")];
  const shown = (id: number) => messagesOf({ ...session, id }).then((messages) => messages.map(({ text }) => text));
  const [question] = await messagesOf(session);
  await session.client.post(at(`/messages/${question!.id}/edit`), { text: "Who are you?" });
  expect(await shown(session.id)).toEqual(["Who are you?", words(5).join("")]);
  await session.client.delete(at(""));
  await expect.poll(async () => (await session.client.get(at("/messages"))).status).toBe(404);
  for (const id of forks) {
    expect(await shown(id)).toEqual(texts);
    const file = `/api/v2/conversations/${id}/attachments/${attachment.id}`;
    const read = async () => (await api.get(file, { headers: authHeader(session.person.token) })).text();
    await expect.poll(read).toBe("A file.");
  }
});

describe("an export", () => {
  const exported = async (format: string) => {
    const reply = await sessions.api.get(`/api/v2${at(`/export?format=${format}`)}`, {
      headers: authHeader(session.person.token),
    });
    return { text: await reply.text(), headers: reply.headers };
  };

  test("an export contains the whole conversation as JSON or Markdown", async () => {
    for (const text of ["one", "two"]) await postMessage(text);
    await session.client.patch(at(""), { title: "Números / 1" });
    const json = await exported("json");
    expect(json.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''N%C3%BAmeros%20%2F%201.json");
    const { conversation, messages } = JSON.parse(json.text) as Record<string, unknown>;
    expect(conversation).toMatchObject({ id: session.id, title: "Números / 1" });
    expect(messages).toEqual(await messagesOf(session));
    const markdown = await exported("markdown");
    const { body: minion } = await session.client.get(`/minions/${(conversation as { minion_id: number }).minion_id}`);
    expect(markdown.text).toContain(`## ${minion.minion.display_name} (custom/my-model), `);
    expect(markdown.headers.get("content-type")).toContain("text/markdown");
    expect(markdown.text).toMatch(
      /^# Números \/ 1\n\n[\s\S]*## You, 2[\s\S]*\n\n> one\n\n## [^\n]+ \(custom\/my-model\), [\s\S]*\n\n> two\n\n/,
    );
  });

  test("an export of an empty conversation is an empty document", async () => {
    expect(JSON.parse((await exported("json")).text)).toMatchObject({ messages: [] });
    expect((await exported("markdown")).text).toMatch(/^# Conversation\n/);
  });
});

describe("an attachment", () => {
  const put = async (bytes: Uint8Array<ArrayBuffer> | FormData, who = session.person) => {
    const type = bytes instanceof FormData ? {} : { "content-type": "application/octet-stream" };
    const headers = { ...authHeader(who.token), ...type };
    const reply = await sessions.api.get(`/api/v2${at("/attachments")}`, { method: "POST", headers, body: bytes });
    return { status: reply.status, headers: reply.headers, body: await bodyOf(reply) };
  };
  const text = (content: string) => new Uint8Array(Buffer.from(content));
  const files = async () => (await (await sessions.api.worker.getEnv()).FILES.list({ prefix: "conversations/" })).objects;

  test("an attached file can be downloaded by its owner only and is deleted with its conversation", async () => {
    const form = new FormData();
    form.set("file", new File([picture("png", "pixels")], "a/bird.png"));
    const { status, body } = await put(form);
    expect([status, body.attachment]).toEqual([
      200,
      { id: body.attachment.id, name: "a bird.png", media_type: "image/png", size: 14 },
    ]);
    const url = `/api/v2${at(`/attachments/${body.attachment.id}`)}`;
    const reply = await sessions.api.get(url, { headers: authHeader(session.person.token) });
    expect(reply.headers.get("content-type")).toBe("image/png");
    expect(reply.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''a%20bird.png");
    expect(new Uint8Array(await reply.arrayBuffer())).toEqual(picture("png", "pixels"));
    expect((await sessions.api.get(url, { headers: authHeader(other.token) })).status).toBe(404);
    expect((await put(picture("png"), other)).status).toBe(404);
    const prefix = `conversations/${session.person.id}/${session.id}/`;
    expect((await files()).map(({ key }) => key)).toContain(prefix + body.attachment.id);
    await session.client.delete(at(""));
    const left = async () => (await files()).filter(({ key }) => key.startsWith(prefix));
    await expect.poll(left).toEqual([]);
    expect(refusalIn(await session.client.get(at("/messages")))).toEqual([404, "not_found"]);
  });

  test("an attachment is a picture or text by its content, with at most 5 MiB", async () => {
    expect((await put(text("Grüße."))).body.attachment).toMatchObject({ media_type: "text/plain", name: "file", size: 8 });
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array([0xff, 0xfe, 0x41, 0x00]),
      text("a\u0000b"),
      text("%PDF-1.7\n\u0000"),
    ]) {
      expect(refusalIn(await put(bytes))).toEqual([415, "unsupported_media_type"]);
    }
    expect(refusalIn(await put(picture("png", "x".repeat(5 * 1024 * 1024))))).toEqual([413, "payload_too_large"]);
    expect((await files()).filter(({ key }) => key.startsWith(`conversations/${session.person.id}/`))).toHaveLength(1);
  });
});

test("a conversation socket needs a ticket of this conversation and an allowed origin", async () => {
  const { api } = sessions;
  const url = (ticket: string) => new URL(`/api/v2/conversations/${session.id}/socket?ticket=${ticket}`, api.url);
  const ticket = () => ticketOf(api, session.person, `conversation:${session.id}`);
  expect(await refusal(url(await ticket()), { origin: "https://elsewhere.example" })).toMatchObject({
    status: 403,
    problem: { code: "cross_site" },
  });
  expect(await refusal(url(await ticketOf(api, session.person)))).toMatchObject({
    status: 401,
    problem: { code: "unauthenticated" },
  });
  expect(await refusal(url("nonsense"))).toMatchObject({ status: 401 });
  const ticketReply = await api.get("/api/v2/socket-tickets", {
    method: "POST",
    headers: { ...authHeader(other.token), "content-type": "application/json" },
    body: JSON.stringify({ resource: `conversation:${session.id}` }),
  });
  expect(ticketReply.status).toBe(404);
  const socket = await connect(url(await ticket()));
  expect(await socket.until(({ type }) => type === "snapshot")).toMatchObject({ title: "", messages: [] });
  await socket.close();
});

import { beforeEach, describe, expect, test } from "vitest";
import { faultsIn, refusalIn } from "../../minions/support/minions.ts";
import { messagesOf, startChatSession, useChatSessions, type ChatSession } from "../support/conversation-client.ts";
import { connectDevice } from "../support/conversation-client.ts";

const sessions = useChatSessions();
let session: ChatSession;

beforeEach(async () => {
  session = await startChatSession(sessions);
  sessions.llm.replyWith({ pieces: ["An answer."] });
});

const post = (path: string, body?: unknown) => session.client.post(`/conversations/${session.id}${path}`, body);
const send = (text: string, client_id: string, given: object = {}) => post("/messages", { text, client_id, ...given });
const texts = async () => (await messagesOf(session)).map(({ text }) => text);

describe("a client_id that comes again", () => {
  test("with another text is refused over HTTP and over the socket, and changes nothing", async () => {
    await send("How are you?", "one");
    for (const path of ["/messages", "/regenerate"]) {
      const refused = await post(path, { text: "Who are you?", client_id: "one" });
      expect([refused.status, faultsIn(refused)]).toEqual([422, ["client_id"]]);
      expect(refused.body.detail).toContain("was sent with another text");
    }
    const socket = await connectDevice(sessions.api, session);
    socket.send({ type: "message.send", client_id: "one", text: "Who are you?" });
    expect(await socket.until(({ type }) => type === "error")).toMatchObject({ client_id: "one", code: "validation_failed" });
    expect((await send(" How are you? ", "one")).status).toBe(200);
    expect(await texts()).toEqual(["How are you?", "An answer."]);
  });

  test("with other files is refused, and with the same file that was uploaded again is the same message", async () => {
    const upload = async (text: string) => {
      const form = new FormData();
      form.set("file", new File([text], "notes.txt"));
      const headers = { authorization: `Bearer ${session.person.token}` };
      const path = `/api/v2/conversations/${session.id}/attachments`;
      const reply = await sessions.api.get(path, { method: "POST", headers, body: form });
      return ((await reply.json()) as { attachment: { id: string } }).attachment.id;
    };
    const first = await send("Read this.", "one", { attachment_ids: [await upload("One.")] });
    const again = await send("Read this.", "one", { attachment_ids: [await upload("One.")] });
    expect(again.body).toEqual(first.body);
    for (const attachment_ids of [[], [await upload("Another.")]]) {
      expect(faultsIn(await send("Read this.", "one", { attachment_ids }))).toEqual(["client_id"]);
    }
  });
});

describe("POST /conversations/:id/regenerate", () => {
  test("an earlier message is answered again, by its ID, its answer's ID, or its client_id", async () => {
    for (const [reference, key] of [
      [(question: number) => ({ message_id: question }), "question"],
      [(_question: number, answer: number) => ({ message_id: answer }), "answer"],
      [(_question: number, answer: number) => ({ message_id: String(answer) }), "text"],
      [() => ({ client_id: "first" }), "client"],
      [(question: number) => ({ client_id: String(question) }), "id"],
    ] as const) {
      session = await startChatSession(sessions);
      for (const name of ["first", "second"]) await send(name, name);
      const [question, answer] = await messagesOf(session);
      sessions.llm.replyWith({ pieces: [key] });
      const { status } = await post("/regenerate", reference(question!.id, answer!.id));
      expect([status, await texts()]).toEqual([200, ["first", key]]);
      sessions.llm.replyWith({ pieces: ["An answer."] });
    }
  });

  test("a message that did not arrive is sent, and one that did is answered again", async () => {
    const retry = { client_id: "one", text: "How are you?" };
    expect((await post("/regenerate", retry)).status).toBe(200);
    sessions.llm.replyWith({ pieces: ["Another."] });
    expect((await post("/regenerate", retry)).status).toBe(200);
    expect(await texts()).toEqual(["How are you?", "Another."]);
  });

  test("returns the running answer to a retry", async () => {
    sessions.llm.replyWith({ pieces: ["Into the "], ends: false });
    const sent = send("Go on.", "one");
    await expect.poll(async () => (await messagesOf(session)).at(-1)?.text).toBe("Into the ");
    const retried = post("/regenerate", { client_id: "one", text: "Go on." });
    expect(refusalIn(await post("/regenerate", {}))).toEqual([409, "conflict"]);
    await post("/stop");
    expect((await retried).body).toEqual((await sent).body);
  });

  test("needs no body, and refuses what it cannot find", async () => {
    expect(refusalIn(await post("/regenerate"))).toEqual([409, "conflict"]);
    await send("How are you?", "one");
    await send("And now?", "two");
    const [, answer] = await messagesOf(session);
    expect((await post("/regenerate")).status).toBe(200);
    for (const [body, status, fault] of [
      [{ client_id: "three" }, 404],
      [{ message_id: 1 }, 404],
      [{ message_id: answer!.id, client_id: "two" }, 422, "client_id"],
      [{ text: "How are you?" }, 422, "client_id"],
      [{ message_id: answer!.id, text: "Who are you?" }, 422, "text"],
      [{ message_id: 1.5 }, 422, "message_id"],
    ] as const) {
      const refused = await post("/regenerate", body);
      expect([refused.status, fault === undefined ? [] : faultsIn(refused)]).toEqual([
        status,
        fault === undefined ? [] : [fault],
      ]);
    }
    expect(await texts()).toHaveLength(4);
  });
});

test("a message keeps the IDs by which clients know it, however often it is edited", async () => {
  await send("One", "first");
  const [{ id } = { id: 0 }] = await messagesOf(session);
  for (const [reference, text] of [
    ["first", "Two"],
    [String(id), "Three"],
    ["first", "Four"],
  ] as const) {
    expect((await post(`/messages/${reference}/edit`, { text })).status).toBe(200);
    expect(await texts()).toEqual([text, "An answer."]);
  }
  expect((await post("/regenerate", { client_id: "first", text: "Four" })).status).toBe(200);
  expect(faultsIn(await send("One", "first"))).toEqual(["client_id"]);
  expect(refusalIn(await post("/messages/unknown/edit", { text: "Five" }))).toEqual([404, "not_found"]);
});

import type { UIMessage } from "ai";
import { beforeEach, describe, expect, test } from "vitest";
import { ArrayChat } from "../../../examples/array-chat.ts";
import { conversationTransport } from "../../../examples/chat-transport.ts";
import { authHeader } from "../../support/users.ts";
import { words } from "../../support/fake-llm.ts";
import { messagesOf, startChatSession, useChatSessions, type ChatSession } from "../support/conversation-client.ts";

/** The AI SDK's chat, which is `useChat` without React, with the transport of the documents. */

const sessions = useChatSessions();
let session: ChatSession;
let chat: Chat;

class Chat extends ArrayChat {
  constructor(messages: UIMessage[] = [], onChange?: (messages: UIMessage[]) => void) {
    const api = new URL("/api/v2/conversations", sessions.api.url).href;
    const transport = conversationTransport(api, authHeader(session.person.token));
    super({ id: String(session.id), transport, messages }, onChange);
  }
}

beforeEach(async () => {
  session = await startChatSession(sessions);
  chat = new Chat();
});

const textOf = ({ parts }: UIMessage) => parts.map((part) => (part.type === "text" ? part.text : "")).join("");
const onServer = async () => (await messagesOf(session)).map(({ text }) => text);
const answerWith = (...texts: string[]) => sessions.llm.replyWith(...texts.map((text) => ({ pieces: [text] })));

/** The texts that the SDK shows, and those on the server. @throws the error of the SDK */
async function shownAndStored(): Promise<[string[], string[]]> {
  if (chat.error !== undefined) throw chat.error;
  return [chat.messages.map(textOf), await onServer()];
}

const both = (...texts: string[]) => [texts, texts];

/** A chat that stops as soon as it shows a text. */
function chatThatStopsAt(text: string): { stopped: () => Promise<void> } {
  let stopping: Promise<void> | undefined;
  chat = new Chat([], (messages) => {
    if (textOf(messages.at(-1)!).includes(text)) stopping ??= chat.stop();
  });
  return { stopped: async () => stopping };
}

/** Runs a request that the network loses: before it arrives, or its response. */
async function withNetworkFailure(hasArrived: boolean, request: () => Promise<unknown>): Promise<void> {
  const { fetch } = globalThis;
  globalThis.fetch = async (...given) => {
    if (hasArrived) await (await fetch(...given)).text();
    throw new TypeError("fetch failed");
  };
  try {
    await request();
  } finally {
    globalThis.fetch = fetch;
  }
  expect([chat.status, chat.error?.message]).toEqual(["error", "fetch failed"]);
}

describe("stop", () => {
  test("ends the turn, and the next message waits until it has ended", async () => {
    sessions.llm.replyWith({ pieces: ["Into the "], ends: false }, { pieces: ["Next."] });
    const { stopped } = chatThatStopsAt("Into the ");
    await chat.sendMessage({ text: "Go on." });
    await stopped();
    await chat.sendMessage({ text: "And then?" });
    expect(await shownAndStored()).toEqual(both("Go on.", "Into the ", "And then?", "Next."));
    expect((await messagesOf(session)).map(({ status }) => status)).toEqual(["complete", "stopped", "complete", "complete"]);
  });

  test("ends a turn whose answer has not begun", async () => {
    sessions.llm.replyWith({ pieces: [], ends: false });
    const sent = chat.sendMessage({ text: "Go on." });
    await expect.poll(() => chat.status).toBe("submitted");
    await chat.stop();
    await sent;
    await expect.poll(async () => (await messagesOf(session)).map(({ status }) => status)).toEqual(["complete", "stopped"]);
  });

  test("ends a resumed turn, and a resume that replaces another one does not", async () => {
    sessions.llm.replyWith({ pieces: words(3), ends: false });
    const left = chat.sendMessage({ text: "Go on." });
    await expect.poll(async () => (await onServer())[1]).toBe(words(3).join(""));
    chat = new Chat();
    const replaced = chat.resumeStream();
    const resumed = chat.resumeStream();
    await replaced;
    await expect.poll(() => chat.messages.map(textOf)).toEqual([words(3).join("")]);
    expect((await messagesOf(session))[1]!.status).toBe("streaming");
    await chat.stop();
    await Promise.all([resumed, left]);
    await expect.poll(async () => (await messagesOf(session))[1]!.status).toBe("stopped");
  });
});

describe("retry", () => {
  test.each([false, true])("a message whose request failed is sent once (arrived: %s)", async (hasArrived) => {
    answerWith("First.");
    await chat.sendMessage({ text: "One" });
    answerWith("Second.");
    await withNetworkFailure(hasArrived, () => chat.sendMessage({ text: "Two" }));
    await chat.regenerate();
    expect(await shownAndStored()).toEqual(both("One", "First.", "Two", "Second."));
  });

  test.each([false, true])("edits a message whose edit failed (arrived: %s)", async (hasArrived) => {
    answerWith("An answer.");
    await chat.sendMessage({ text: "One" });
    const messageId = chat.messages[0]!.id;
    await withNetworkFailure(hasArrived, () => chat.sendMessage({ messageId, text: "Two" }));
    await chat.regenerate();
    expect(await shownAndStored()).toEqual(both("Two", "An answer."));
  });

  test("follows a turn that another device is running", async () => {
    sessions.llm.replyWith({ pieces: ["Into the "], ends: false }, { pieces: ["Next."] });
    const other = session.client.post(`/conversations/${session.id}/messages`, { text: "Go on." });
    await expect.poll(async () => (await onServer())[1]).toBe("Into the ");
    await chat.sendMessage({ text: "And then?" });
    expect(chat.error?.message).toBe("The minion is still answering. Wait for the answer, or stop it.");
    await session.client.post(`/conversations/${session.id}/stop`);
    await other;
    await chat.regenerate();
    expect(await onServer()).toEqual(["Go on.", "Into the ", "And then?", "Next."]);
  });
});

describe("edit and regenerate", () => {
  test("a message is edited again and again, sent in this session or loaded", async () => {
    answerWith("An answer.");
    await chat.sendMessage({ text: "One" });
    await chat.sendMessage({ text: "Later" });
    for (const text of ["Two", "Three"]) {
      await chat.sendMessage({ messageId: chat.messages[0]!.id, text });
      expect(await shownAndStored()).toEqual(both(text, "An answer."));
    }
    const [question, answer] = await messagesOf(session);
    const loaded = [question!, answer!].map(({ id, role, text }) => ({
      id: String(id),
      role,
      parts: [{ type: "text" as const, text }],
    }));
    chat = new Chat(loaded);
    for (const text of ["Four", "Five"]) {
      await chat.sendMessage({ messageId: String(question!.id), text });
      expect(await shownAndStored()).toEqual(both(text, "An answer."));
    }
    answerWith("Another.");
    await chat.regenerate();
    expect(await shownAndStored()).toEqual(both("Five", "Another."));
  });

  test.each([0, 1])("an older answer is regenerated, and what follows is deleted (message %i)", async (index) => {
    answerWith("An answer.");
    for (const text of ["One", "Two", "Three"]) await chat.sendMessage({ text });
    answerWith("Another.");
    await chat.regenerate({ messageId: chat.messages[index]!.id });
    expect(await shownAndStored()).toEqual(both("One", "Another."));
  });
});

test("files are uploaded once and sent with their message, and an edit replaces them", async () => {
  answerWith("An answer.");
  const file = (text: string) => ({
    type: "file" as const,
    mediaType: "text/plain",
    filename: `${text}.txt`,
    url: `data:text/plain,${text}`,
  });
  const filesOf = async () =>
    (await messagesOf(session))[0]!.parts.flatMap((part) => (part.type === "file" ? [[part.name, part.size]] : []));
  await chat.sendMessage({ text: "Read this.", files: [file("one"), file("second")] });
  expect(await filesOf()).toEqual([
    ["one.txt", 3],
    ["second.txt", 6],
  ]);
  await chat.regenerate();
  await chat.sendMessage({ messageId: chat.messages[0]!.id, text: "Read that.", files: [file("one")] });
  expect(await shownAndStored()).toEqual(both("Read that.", "An answer."));
  expect(await filesOf()).toEqual([["one.txt", 3]]);
  await chat.sendMessage({ text: "Now this.", files: [{ ...file("x"), url: "data:text/plain;base64,AAAA" }] });
  expect(chat.error?.message).toMatch(/^The file type is not supported\. Use image\//);
});

test("an error is a sentence", async () => {
  await chat.sendMessage({ text: "x".repeat(16_001) });
  expect(chat.error?.message).toMatch(/^text: must/);
  await session.client.delete(`/conversations/${session.id}`);
  chat = new Chat();
  await chat.sendMessage({ text: "How are you?" });
  expect(chat.error?.message).toBe("Conversation not found.");
});

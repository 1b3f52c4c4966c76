import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { databaseTrips } from "../../minions/support/minions.ts";
import { providerKey } from "../../support/canary.ts";
import { newModel } from "../../models/support/connected-provider.ts";
import {
  messagesOf,
  openConversation,
  startChatSession,
  useChatSessions,
  type ChatSession,
} from "../support/conversation-client.ts";
import { readAnswer, textOf } from "../support/fixtures.ts";
import { authHeader } from "../../support/users.ts";
import { conversationTransport } from "../../../examples/chat-transport.ts";
import { asking, drain } from "../support/transport.ts";

const sessions = useChatSessions();
let session: ChatSession;

beforeAll(async () => {
  session = await startChatSession(sessions, { temperature: 0.5, max_tokens: 500 });
});

beforeEach(async () => {
  session = { ...session, id: await openConversation(session.client, session.minionId) };
  sessions.llm.quirks = {};
  sessions.llm.replyWith({ pieces: ["Hello."] });
});

/** Takes a turn by the AI SDK's transport. */
async function ask(text: string, clientId: string) {
  const transport = conversationTransport(
    new URL("/api/v2/conversations", sessions.api.url).href,
    authHeader(session.person.token),
  );
  const chunks = await drain(await transport.sendMessages(asking(session.id, text, clientId)));
  const answer = (await messagesOf(session)).at(-1)!;
  return { chunks, answer, result: await readAnswer(chunks), finish: chunks.find(({ type }) => type === "finish") };
}

const modelOfSession = async () => {
  const { body } = await session.client.get("/external-models");
  return (body as { models: { id: number; quirks: object; version: number }[] }).models[0]!;
};

describe("how an answer ended", () => {
  test.each([
    ["stop", "stop"],
    ["length", "length"],
    [null, "stop"],
  ])("the finish reason %j is sent as %j", async (finish, sent) => {
    sessions.llm.replyWith({ pieces: ["One, ", "two"], finish });
    const { answer, finish: chunk } = await ask("Count.", `finish-${finish}`);
    expect(answer).toMatchObject({ status: "complete", finish_reason: sent, text: "One, two", error: null });
    expect(chunk).toMatchObject({ finishReason: sent });
  });

  test.each(["abort", "error"])("the finish reason %j is an interrupted answer", async (finish) => {
    sessions.llm.replyWith({ pieces: ["One, ", "two"], finish });
    const { answer, chunks } = await ask("Count.", `finish-${finish}`).catch(async () => ({
      answer: (await messagesOf(session)).at(-1)!,
      chunks: [],
    }));
    expect(answer).toMatchObject({ status: "interrupted", finish_reason: null, error: { retryable: true } });
    expect(chunks.some(({ type }) => type === "abort")).toBe(false);
  });

  test("a cut answer can be continued by a message", async () => {
    sessions.llm.replyWith({ pieces: ["One, two"], finish: "length" }, { pieces: [", three."] });
    await ask("Count.", "cut");
    await ask("Continue.", "continue");
    expect(sessions.llm.requests.at(-1)!.messages.slice(1)).toMatchObject([
      { role: "user", content: "Count." },
      { role: "assistant", content: "One, two" },
      { role: "user", content: "Continue." },
    ]);
  });

  test("the previous server's endpoint keeps its members and says that the answer was cut", async () => {
    sessions.llm.replyWith({ pieces: ["One, two"], finish: "length" });
    const { body } = await session.client.post("/external-models/chat", { model_id: session.minionId, message: "Count." });
    expect(body).toMatchObject({ success: true, response: "One, two", error: expect.stringContaining("was cut") as string });
    expect(body).not.toHaveProperty("finish_reason");
  });
});

test("text before a closing tag alone becomes reasoning for every client, and is not sent back", async () => {
  sessions.llm.replyWith({ pieces: ["I am ", "thinking", ".</thi", "nk>\n\nHello", "."] }, { pieces: ["Fine."] });
  const { answer, result } = await ask("Hello?", "think");
  expect(answer.parts).toEqual([
    { type: "reasoning", text: "I am thinking." },
    { type: "text", text: "Hello." },
  ]);
  expect(textOf(result)).toBe("Hello.");
  await ask("And now?", "think-again");
  expect(JSON.stringify(sessions.llm.requests.at(-1)!.messages)).not.toContain("thinking");
});

test("quirks are found once, kept on the model, and cost no round trip afterwards", async () => {
  sessions.llm.quirks = { refuses: ["temperature", "max_tokens", "stream_options"] };
  const before = sessions.llm.requests.length;
  const first = await ask("Hello?", "quirk-1");
  expect(first.answer).toMatchObject({ status: "complete", text: "Hello." });
  const tried = sessions.llm.requests.length - before;
  expect(tried).toBe(4);
  const found = { temperature: false, max_tokens_name: "max_completion_tokens", stream_options: false };
  await expect.poll(async () => (await modelOfSession()).quirks).toEqual(found);
  await ask("Again?", "quirk-2");
  expect(sessions.llm.requests.length - before).toBe(tried + 1);
  const { id, version } = await modelOfSession();
  expect(version).toBe(1);
  const path = `/external-models/${id}`;
  expect((await session.client.put(path, { quirks: { temperature: true } })).body.model.quirks).toEqual({
    ...found,
    temperature: true,
  });
  expect((await session.client.put(path, { quirks: { temperature: null } })).body.model.quirks).toEqual({
    max_tokens_name: "max_completion_tokens",
    stream_options: false,
  });
  expect((await session.client.put(path, { quirks: { colour: true } })).status).toBe(422);
  expect((await session.client.put(path, { model_id: "other" })).body.model.quirks).toEqual({});
});

test("an unknown context window is learnt, and a message that never fits is reported", async () => {
  const model = newModel({ base_url: sessions.llm.baseUrl });
  const made = await session.client.post("/external-models", model);
  const minion = await session.client.post("/minions", {
    name: "tiny",
    display_name: "Tiny",
    model: String(made.body.model_id),
  });
  session = { ...session, id: await openConversation(session.client, minion.body.minion.id) };
  sessions.llm.quirks = { window: 1_000 };
  for (let turn = 0; turn < 6; turn += 1) {
    const { answer } = await ask(`Question ${turn}: ${"word ".repeat(150)}`, `window-${turn}`);
    expect(answer).toMatchObject({ status: "complete", text: "Hello." });
  }
  const stored = async () => (await session.client.get(`/external-models/${made.body.model_id}`)).body.model.quirks;
  await expect.poll(stored).toEqual({ context_length: 1_000 });
  const tooLong = await ask(`What is ${"word ".repeat(2_000)}?`, "too-long").catch(() => undefined);
  expect(tooLong?.result.errors.join() ?? (await messagesOf(session)).at(-1)!.error!.detail).toContain(
    "does not fit into the context window",
  );
});

describe("a new model", () => {
  test.each([
    [
      { provider: "openai", base_url: null, model_id: "gpt" },
      "Model saved. OpenAI requires an API key: add it before you use the model.",
    ],
    [{ provider: "openai", base_url: null, model_id: "gpt", api_key: providerKey("of-new") }, "Model connected."],
    [
      { provider: "custom", base_url: null },
      "Model saved. Custom (OpenAI-compatible) requires a base URL: add it before you use the model.",
    ],
    [{}, "Model connected."],
  ])("a model with %j says what it lacks", async (given, message) => {
    const made = await session.client.post("/external-models", newModel(given));
    expect([made.status, made.body.message]).toEqual([201, message]);
  });

  test("the connection test shows what it found and keeps it on the model", async () => {
    const made = await session.client.post("/external-models", newModel({ base_url: sessions.llm.baseUrl }));
    sessions.llm.quirks = { refuses: ["temperature"] };
    const tested = await session.client.post("/external-models/test", { model_id: made.body.model_id });
    expect([tested.body.success, tested.body.quirks, databaseTrips(tested)]).toEqual([true, { temperature: false }, 1]);
    expect(tested.body.message).toContain("`temperature`");
    const stored = async () => (await session.client.get(`/external-models/${made.body.model_id}`)).body.model.quirks;
    await expect.poll(stored).toEqual({ temperature: false });
  });
});

import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  openConversation,
  messagesOf,
  startChatSession,
  useChatSessions,
  type ChatSession,
} from "../support/conversation-client.ts";
import { sendRequest } from "../../notifications/support/notifications.ts";
import { bodyOf } from "../../support/api.ts";
import { authHeader, createUser } from "../../support/users.ts";
import { clientOf } from "../../minions/support/minions.ts";
import { textOf, readAnswer } from "../support/fixtures.ts";
import { words } from "../../support/fake-llm.ts";
import { conversationTransport } from "../../../examples/chat-transport.ts";
import { asking, drain } from "../support/transport.ts";

const sessions = useChatSessions();
let session: ChatSession;

beforeAll(async () => {
  session = await startChatSession(sessions);
});

beforeEach(async () => {
  session = { ...session, id: await openConversation(session.client, session.minionId) };
});

const transport = () =>
  conversationTransport(new URL("/api/v2/conversations", sessions.api.url).href, authHeader(session.person.token));

const events = { accept: "text/event-stream" };

/** What comes of a stream until a text is in it; the client leaves then. */
async function readUntil(reply: Response, wanted: string): Promise<string> {
  const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
  let output = "";
  while (!output.includes(wanted)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`It ended without ${wanted}: ${output}`);
    output += value;
  }
  await reader.cancel();
  return output;
}

const stream = (path: string, headers: Record<string, string> = {}, body?: unknown) =>
  sendRequest(sessions.api, session.person, `/api/v2/conversations/${session.id}${path}`, {
    method: body === undefined ? "GET" : "POST",
    body,
    headers: { ...events, ...headers },
  });

const chunksIn = (output: string) =>
  output
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)) as never);

describe("the AI SDK's transport", () => {
  test("the transport streams an answer, and the finished message matches it", async () => {
    sessions.llm.replyWith({ pieces: words(40), everyMs: 2 });
    const chunks = await drain(await transport().sendMessages(asking(session.id, "How are you?", "one")));
    const result = await readAnswer(chunks);
    const [question, answer] = await messagesOf(session);
    expect(question).toMatchObject({ role: "user", text: "How are you?" });
    expect(textOf(result)).toBe(answer!.text);
    expect(answer!.text).toBe(words(40).join(""));
    expect(result.message.id).toBe(String(answer!.id));
    expect(result.message.metadata).toMatchObject({ status: "complete", usage: answer!.usage, xp: 5, memory_status: "full" });
    expect(chunks.filter(({ type }) => type === "text-delta").length).toBeGreaterThan(5);
  });

  test("sending the same message twice creates one answer, which is sent in full", async () => {
    sessions.llm.replyWith({ pieces: ["Once."] }, { pieces: ["Twice."] });
    for (let time = 0; time < 2; time += 1) {
      const result = await readAnswer(await drain(await transport().sendMessages(asking(session.id, "How often?", "one"))));
      expect(textOf(result)).toBe("Once.");
    }
    expect(await messagesOf(session)).toHaveLength(2);
  });

  test("the transport regenerates an answer", async () => {
    sessions.llm.replyWith({ pieces: ["First."] }, { pieces: ["Second."] });
    await drain(await transport().sendMessages(asking(session.id, "Which?", "one")));
    const trigger = "regenerate-message" as const;
    const result = await readAnswer(
      await drain(await transport().sendMessages(asking(session.id, "Which?", "one", { trigger }))),
    );
    expect(textOf(result)).toBe("Second.");
    expect((await messagesOf(session)).map(({ text }) => text)).toEqual(["Which?", "Second."]);
  });

  test("disconnecting stops nothing, and reconnecting returns the whole answer", async () => {
    sessions.llm.replyWith({ pieces: words(60), everyMs: 20 });
    const sent = await transport().sendMessages(asking(session.id, "Go on.", "one"));
    const reader = sent.getReader();
    await reader.read();
    await reader.cancel();
    const resumed = await transport().reconnectToStream({ chatId: String(session.id) });
    const result = await readAnswer(await drain(resumed!));
    expect(textOf(result)).toBe(words(60).join(""));
    expect(await transport().reconnectToStream({ chatId: String(session.id) })).toBeNull();
  });

  test("a failed turn is reported with its error, and a stopped turn as stopped", async () => {
    sessions.llm.replyWith({ pieces: ["Into the "], ends: false });
    const sent = await transport().sendMessages(asking(session.id, "Go on.", "one"));
    const output = drain(sent);
    await expect.poll(async () => (await messagesOf(session)).at(-1)!.text).toBe("Into the ");
    await session.client.post(`/conversations/${session.id}/stop`);
    const result = await readAnswer(await output);
    expect(textOf(result)).toBe("Into the ");
    expect(result.message.metadata).toMatchObject({ status: "stopped" });
  });
});

describe("SSE events of an answer", () => {
  test("the stream resumes after the last received event without losing or repeating events", async () => {
    sessions.llm.replyWith({ pieces: words(60), everyMs: 20 });
    const first = await stream("/messages", {}, { text: "Go on.", client_id: "one" });
    expect(first.headers.get("content-type")).toBe("text/event-stream");
    expect(first.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    let output = await readUntil(first, "word9 ");
    for (const last of ["word30 ", "[DONE]"]) {
      const received = output.slice(0, output.lastIndexOf("\n\n"));
      const [, id] = /.*\nid: (\S+)/s.exec(received)!;
      const whole = received.slice(0, received.lastIndexOf(`id: ${id}`));
      output = whole + (await readUntil(await stream("/stream", { "last-event-id": id! }), last));
    }
    expect(textOf(await readAnswer(chunksIn(output)))).toBe(words(60).join(""));
    const [, end] = /.*\nid: (\S+)/s.exec(output)!;
    expect((await stream("/stream", { "last-event-id": end! })).status).toBe(204);
    expect((await stream(`/stream?after=${end!.split("-")[0]}`)).status).toBe(200);
  });

  test("the stream is empty without a running answer, and not found for another user", async () => {
    expect((await stream("/stream")).status).toBe(204);
    expect((await stream("/stream?after=x")).status).toBe(422);
    expect((await stream("/stream", { "last-event-id": "x" })).status).toBe(422);
    const stranger = await createUser(sessions.api);
    for (const path of ["/stream", "/stream?after=1"]) {
      const reply = await sendRequest(sessions.api, stranger, `/api/v2/conversations/${session.id}${path}`);
      expect(reply.status).toBe(404);
    }
    const body = { text: "Hello.", client_id: "one" };
    const path = `/api/v2/conversations/${session.id}/messages`;
    const reply = await sendRequest(sessions.api, stranger, path, { method: "POST", body, headers: events });
    expect([reply.status, (await bodyOf(reply)).code]).toEqual([404, "not_found"]);
  });
});

describe("the chat endpoint of the previous server", () => {
  const chat = (body: object) => session.client.post("/external-models/chat", { model_id: session.minionId, ...body });

  beforeEach(async () => {
    session = await startChatSession(sessions);
  });

  test("the reply has the previous format, and each minion has one direct conversation", async () => {
    sessions.llm.replyWith({ pieces: ["Hello ", "there."] });
    const { status, body, headers } = await chat({
      message: "Hello?",
      temperature: 0.5,
      system_prompt: "Be brief.",
      top_p: null,
    });
    expect([status, body]).toEqual([
      200,
      {
        success: true,
        response: "Hello there.",
        usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12, cost_usd: expect.any(Number) },
        error: null,
        minion_name: expect.stringMatching(/^Ada/),
        provider: "custom",
        rag_used: false,
        spirits_enabled: true,
        spirits_used: [],
        tools_used: [],
        processing_time: expect.any(Number),
        conversation_id: expect.any(Number),
        citations: [],
        used_config: {
          model: "custom/my-model",
          system_prompt: "Be brief.",
          temperature: 0.5,
          max_tokens: null,
          top_p: null,
          use_rag: false,
          use_spirits: true,
          use_memory: false,
        },
      },
    ]);
    expect(headers.get("server-timing")).toMatch(/db;dur=[\d.]+;desc="1"/);
    expect(sessions.llm.requests.at(-1)).toMatchObject({ temperature: 0.5 });
    expect(JSON.stringify(sessions.llm.requests.at(-1))).toContain("Be brief.");
    const second = await chat({ message: "And now?", conversation_id: null });
    expect(second.body.conversation_id).toBe(body.conversation_id);
    expect(second.body.conversation_id).not.toBe(session.id);
    expect(JSON.stringify(sessions.llm.requests.at(-1))).toContain("Hello there.");
  });

  test("a message goes to the conversation in the request, if user and minion match", async () => {
    const { body } = await chat({ message: "Hello?", conversation_id: session.id });
    expect(body.conversation_id).toBe(session.id);
    expect(await messagesOf(session)).toHaveLength(2);
    const other = await startChatSession(sessions);
    expect((await chat({ message: "Hello?", conversation_id: other.id })).status).toBe(404);
    const mixed = await session.client.post("/external-models/chat", { model_id: other.minionId, message: "Hello?" });
    expect(mixed.status).toBe(404);
    const own = clientOf(sessions.api, other.person);
    const theirs = await own.post("/external-models/chat", {
      model_id: other.minionId,
      message: "Hello?",
      conversation_id: session.id,
    });
    expect(theirs.status).toBe(404);
  });

  test("an invalid body is refused with the name of the field", async () => {
    const { status, body } = await session.client.post("/external-models/chat", {
      message: "",
      temperature: 3,
      use_rag: "yes",
    });
    expect(status).toBe(422);
    expect(body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      "message",
      "model_id",
      "temperature",
      "use_rag",
    ]);
  });

  test("a provider error is 502, and the conversation stays usable", async () => {
    sessions.llm.replyWith({ pieces: [], status: 401 }, { pieces: ["Better."] });
    const refused = await chat({ message: "Hello?" });
    expect([refused.status, refused.body.code]).toEqual([502, "provider_key_rejected"]);
    expect(refused.body.conversation_id).toEqual(expect.any(Number));
    const { body } = await chat({ message: "And now?" });
    expect(body).toMatchObject({ response: "Better.", conversation_id: refused.body.conversation_id });
  });
});

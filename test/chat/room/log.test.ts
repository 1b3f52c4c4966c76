import { expect, test } from "vitest";
import { parseLines, type LogLine } from "../../support/log-lines.ts";
import { connectDevice, isOver, startChatSession, useChatSessions } from "../support/conversation-client.ts";

/** The lines of the log that a room writes, and the request that all of them name. */

const sessions = useChatSessions();

const linesWith = (name: string, value: unknown): LogLine[] =>
  parseLines(sessions.api.logs()).filter((line) => line[name] === value);

test("a message, its turn and its write to Postgres have one request ID", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  llm.replyWith({ pieces: ["The answer ", "is a private word."] });
  const reply = await api.get(`/api/v2/conversations/${session.id}/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${session.person.token}` },
    body: JSON.stringify({ client_id: "one", text: "What is the question of all questions?" }),
  });
  expect(reply.status).toBe(200);
  const id = reply.headers.get("x-request-id")!;
  await expect
    .poll(() =>
      linesWith("request_id", id)
        .map(({ event }) => event)
        .toSorted((a, b) => String(a).localeCompare(String(b))),
    )
    .toEqual(["outbox_write", "request", "turn"]);
  const turn = linesWith("request_id", id).find(({ event }) => event === "turn");
  expect(turn).toMatchObject({
    level: "info",
    outcome: "ok",
    user_id: session.person.id,
    provider: "custom",
    model: "my-model",
    model_calls: 1,
    input_tokens: 10,
    output_tokens: 2,
    cached_tokens: 0,
    duration_ms: expect.any(Number),
    db: expect.any(Number),
  });
  expect(linesWith("request_id", id).find(({ event }) => event === "outbox_write")).toMatchObject({
    name: "turn",
    outcome: "ok",
    user_id: session.person.id,
    attempts: 1,
    db: 1,
  });
  expect(api.logs().join("\n")).not.toContain("private word");
});

test("a message over the socket has a request ID of its own, and a failed turn says why", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const socket = await connectDevice(api, session);
  llm.replyWith({ pieces: [], status: 401 });
  socket.send({ type: "message.send", client_id: "one", text: "Will this fail, or not?" });
  await socket.until(isOver);
  await expect.poll(() => linesWith("user_id", session.person.id).filter(({ event }) => event === "turn")).toHaveLength(1);
  const turn = linesWith("user_id", session.person.id).find(({ event }) => event === "turn");
  expect(turn).toMatchObject({
    outcome: "failed",
    error_code: "provider_key_rejected",
    failed_provider: "custom",
    failed_attempts: 1,
    request_id: expect.any(String),
  });
  await expect
    .poll(() =>
      linesWith("request_id", turn!["request_id"])
        .map(({ event }) => event)
        .toSorted((a, b) => String(a).localeCompare(String(b))),
    )
    .toEqual(["outbox_write", "turn"]);
});

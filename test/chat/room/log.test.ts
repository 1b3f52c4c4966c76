import { expect, test } from "vitest";
import { parseLines, type LogLine } from "../../support/log-lines.ts";
import { connectDevice, isOver, startTalk, useChatting } from "../support/conversation-client.ts";

/** The lines of the log that a room writes, and the request that all of them name. */

const chatting = useChatting();

const linesWith = (name: string, value: unknown): LogLine[] =>
  parseLines(chatting.api.logs()).filter((line) => line[name] === value);

test("a message, its turn and its write to Postgres have one request ID", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  speaker.replyWith({ pieces: ["The answer ", "is a private word."] });
  const reply = await api.get(`/api/v2/conversations/${talk.id}/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${talk.person.token}` },
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
    user_id: talk.person.id,
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
    user_id: talk.person.id,
    attempts: 1,
    db: 1,
  });
  expect(api.logs().join("\n")).not.toContain("private word");
});

test("a message over the socket has a request ID of its own, and a failed turn says why", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const socket = await connectDevice(api, talk);
  speaker.replyWith({ pieces: [], status: 401 });
  socket.send({ type: "message.send", client_id: "one", text: "Will this fail, or not?" });
  await socket.until(isOver);
  await expect.poll(() => linesWith("user_id", talk.person.id).filter(({ event }) => event === "turn")).toHaveLength(1);
  const [turn] = linesWith("user_id", talk.person.id).filter(({ event }) => event === "turn");
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

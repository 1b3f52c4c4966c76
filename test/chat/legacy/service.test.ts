import { beforeEach, describe, expect, test } from "vitest";
import { sendAndWait } from "../../../src/chat/legacy/service.ts";
import { ExternalChat, ExternalChatReply } from "../../../src/chat/legacy/schemas.ts";
import type { Message } from "../../../src/agent/types.ts";
import type { RoomCaller, RoomRpc } from "../../../src/chat/room/client.ts";
import { resumeAnswer, streamAnswer, wantsEvents } from "../../../src/chat/streaming/stream-answer.ts";
import { constraintErrors } from "../../../src/errors.ts";
import { toAppError } from "../../../src/kit/db/errors.ts";
import type { AppError } from "../../../src/kit/errors.ts";
import { anAnswer, citation, usage } from "../support/fixtures.ts";
import { insertConversation, useChatHarness } from "../support/conversations.ts";

const harness = useChatHarness();

type SendInput = Parameters<RoomRpc["send"]>[1];

/** Lets every conversation's room give this answer. @returns what they were sent, and by whom */
function rooms(answer: Partial<Message>): { conversation: string; caller: RoomCaller; input: SendInput }[] {
  const sent: { conversation: string; caller: RoomCaller; input: SendInput }[] = [];
  harness.rooms = new Proxy(
    {},
    {
      get: (_, conversation: string) => ({
        async send(caller: RoomCaller, input: SendInput) {
          sent.push({ conversation, caller, input });
          return { value: { message: anAnswer(), answer: anAnswer(), seq: 0, is_new: true } };
        },
        answer: async (_caller: RoomCaller, id: number) => ({ value: anAnswer({ id, status: "complete", ...answer }) }),
      }),
    },
  );
  return sent;
}

const answered = { text: "Into the Black Sea [1].", usage, citations: [citation], model: "builtin/extractive" };
const chat = (given: object = {}) =>
  sendAndWait(harness.ctx, harness.userId, ExternalChat.parse({ model_id: harness.minionId, message: "Where to?", ...given }));

/** The failure that work ends with. */
async function refusalOf(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const failure = toAppError(error, constraintErrors);
  if (failure === undefined) throw new Error("It did not fail as it should.", { cause: error });
  return failure;
}

describe("the chat endpoint of the previous server", () => {
  beforeEach(async () => {
    // The catalog is in memory then.
    rooms(answered);
    await chat();
  });

  test("the reply reports everything that was used and costs one round trip", async () => {
    const sent = rooms({
      ...answered,
      tools: [
        { call_id: "1", tool: "search", input: {}, status: "complete", output: "", duration_ms: 1 },
        { call_id: "2", tool: "search", input: {}, status: "complete", output: "", duration_ms: 1 },
        { call_id: "3", tool: "weather", input: {}, status: "failed", output: "", duration_ms: 1 },
      ],
    });
    const { value, trips } = await harness.tripsOf(() => chat({ temperature: 0.5, max_tokens: null, use_rag: true }));
    expect(trips).toBe(1);
    expect(ExternalChatReply.parse(value)).toEqual(value);
    const [minion] = await harness.database.sql("select display_name from spirit_minions where id = $1", [harness.minionId]);
    expect(value).toEqual({
      success: true,
      response: "Into the Black Sea [1].",
      usage,
      error: null,
      minion_name: minion!["display_name"],
      provider: "builtin",
      rag_used: true,
      spirits_enabled: true,
      spirits_used: [],
      tools_used: ["search"],
      processing_time: expect.any(Number),
      conversation_id: expect.any(Number),
      citations: [citation],
      used_config: {
        model: "builtin/extractive",
        system_prompt: "",
        temperature: 0.5,
        max_tokens: null,
        top_p: null,
        use_rag: true,
        use_spirits: true,
        use_memory: false,
      },
    });
    expect(sent).toEqual([
      {
        conversation: String(value.conversation_id),
        caller: { user_id: harness.userId, request_id: expect.any(String) },
        input: {
          client_id: expect.any(String),
          text: "Where to?",
          attachment_ids: [],
          overrides: { temperature: 0.5, use_rag: true },
        },
      },
    ]);
  });

  test("the reply lists the active spirits, or none if they are switched off", async () => {
    await harness.database.sql("insert into minion_spirits (minion_id, spirit_id, position) values ($1, 1, 1)", [
      harness.minionId,
    ]);
    expect((await chat()).spirits_used).toEqual(["Writer Spirit"]);
    const without = await chat({ use_spirits: false });
    expect([without.spirits_enabled, without.spirits_used]).toEqual([false, []]);
    expect(without.used_config.use_spirits).toBe(false);
  });

  test("a message goes to the direct conversation, or to the conversation in the request", async () => {
    const first = await chat();
    expect((await chat({ conversation_id: null })).conversation_id).toBe(first.conversation_id);
    const id = await insertConversation(harness);
    expect((await chat({ conversation_id: id })).conversation_id).toBe(id);
    expect((await refusalOf(chat({ conversation_id: id + 1_000 }))).code).toBe("not_found");
    expect((await refusalOf(chat({ model_id: harness.minionId + 1_000 }))).code).toBe("not_found");
  });

  test("a stopped answer is reported as stopped with its partial text", async () => {
    rooms({ ...answered, status: "stopped" });
    expect(await chat()).toMatchObject({ success: true, error: "The answer was stopped.", response: answered.text });
  });

  test.each([
    ["failed", "provider_refused", "provider_refused", 502],
    ["failed", "content_filtered", "content_filtered", 502],
    ["failed", "too_many_steps", "too_many_steps", 502],
    ["failed", "context_exceeded", "context_exceeded", 422],
    ["interrupted", "provider_timed_out", "provider_timed_out", 502],
    ["interrupted", "interrupted", "realtime_unavailable", 503],
  ] as const)("a %s turn with %s is refused with %s", async (status, code, errorCode, http) => {
    rooms({ status, error: { code, detail: "It says why.", retryable: false } });
    const failure = await refusalOf(chat());
    expect([failure.code, failure.status, failure.message]).toEqual([errorCode, http, "It says why."]);
    expect(failure.extensions).toEqual({ conversation_id: expect.any(Number) });
  });

  test("the reply is 502 if the answer never ends", async () => {
    rooms({ status: "streaming" });
    expect((await refusalOf(chat())).code).toBe("provider_timed_out");
  });
});

describe("the stream of an answer", () => {
  /** Lets a conversation's last message be this. */
  function lastOf(last: Message | undefined, fetch?: (request: Request) => Promise<Response>): void {
    const list = async () => ({ value: { messages: last === undefined ? [] : [last], total: 2 } });
    harness.rooms = { "7": { list, fetch } };
  }

  const readStream = async (cursor?: { seq: number; position: string }) => {
    const ctx = harness.ctx.withActor({ kind: "key", userId: harness.userId, keyId: 3, permissions: [] });
    return resumeAnswer(ctx, harness.userId, 7, cursor);
  };
  const complete = anAnswer({ status: "complete", text: "Hello.", parts: [{ type: "text", text: "Hello." }] });

  test("the stream is empty if no answer is running or the client has received it all", async () => {
    lastOf(undefined);
    expect(await readStream()).toBeUndefined();
    lastOf({ ...complete, role: "user" });
    expect(await readStream()).toBeUndefined();
    lastOf(complete);
    expect(await readStream()).toBeUndefined();
    expect(await readStream({ seq: 9, position: "end" })).toBeUndefined();
  });

  test("an answer that ended meanwhile is sent in full and replaces the partial text", async () => {
    lastOf(complete);
    const text = await (await readStream({ seq: 9, position: "3.0.text-0" }))!.text();
    expect(text).toContain('{"type":"reset-step"}');
    expect(text).toContain('"delta":"Hello."');
    expect(text).toContain("id: 9-end");
    const sent = { message: anAnswer(), answer: complete, seq: 4, is_new: false };
    const reply = await streamAnswer(harness.ctx, 7, sent);
    expect(reply.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    expect(await reply.text()).not.toContain("reset-step");
  });

  test("the stream subscribes to the room from the client's cursor and passes on its errors", async () => {
    const input: { after: string | null; claims: unknown }[] = [];
    lastOf(anAnswer(), async (request) => {
      const claims = JSON.parse(decodeURIComponent(request.headers.get("x-socket-claims")!)) as unknown;
      input.push({ after: request.headers.get("x-socket-after"), claims });
      return Response.json({ code: "rate_limited", detail: "Too many sockets are open here." }, { status: 429 });
    });
    const failure = await refusalOf(readStream({ seq: 12, position: "" }));
    expect([failure.code, failure.message]).toEqual(["rate_limited", "Too many sockets are open here."]);
    const claims = { user_id: harness.userId, device: "key:3", resource: "conversation:7" };
    expect(input).toEqual([{ after: "12", claims: expect.objectContaining(claims) as unknown }]);
    lastOf(anAnswer(), () => Promise.reject(new Error("It is gone.")));
    expect((await refusalOf(readStream())).code).toBe("realtime_unavailable");
  });

  test("a request receives events if its Accept header asks for them", () => {
    const wants = (accept?: string) =>
      wantsEvents(new Request("https://x/", accept === undefined ? {} : { headers: { accept } }));
    expect(["text/event-stream", "application/json, text/event-stream;q=0.9"].map(wants)).toEqual([true, true]);
    expect(["application/json", "*/*", "x-text/event-stream", undefined].map(wants)).toEqual([false, false, false, false]);
  });
});

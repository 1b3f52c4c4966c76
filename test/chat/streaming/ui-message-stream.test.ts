import type { UIMessageChunk } from "ai";
import { describe, expect, test } from "vitest";
import { toMessageId } from "../../../src/chat/constants.ts";
import { UiMessageStreamEncoder, type RoomFrameOrSnapshot } from "../../../src/chat/streaming/ui-message-stream.ts";
import { seededRandom } from "../../support/random.ts";
import { anAnswer, answerId, citation, frames, textOf, readAnswer, usage } from "../support/fixtures.ts";

/** What a client of one stream is told, from its beginning. */
function encode(received: readonly RoomFrameOrSnapshot[], stream = new UiMessageStreamEncoder(answerId)): UIMessageChunk[] {
  return [...stream.begin(), ...received.flatMap((frame) => stream.encode(frame))];
}

const types = (chunks: readonly UIMessageChunk[]) => chunks.map(({ type }) => type);

describe("UiMessageStreamEncoder", () => {
  test("an answer is one message with reasoning, tools, text, sources and cost", async () => {
    const chunks = encode([
      frames.created(),
      frames.thought(0, "Let me "),
      frames.thought(7, "look."),
      frames.started("call-1"),
      frames.finished("call-1", "complete"),
      frames.text(0, "Into the "),
      frames.text(9, "Black Sea [1]."),
      frames.cited(),
      frames.completed(),
    ]);
    const { message, errors } = await readAnswer(chunks);
    expect(errors).toEqual([]);
    expect(message).toEqual({
      id: String(answerId),
      role: "assistant",
      metadata: { status: "complete", usage, cost_usd: usage.cost_usd, xp: 5, memory_status: "full" },
      parts: [
        { type: "step-start" },
        { type: "reasoning", id: "reasoning-0", text: "Let me look.", state: "done" },
        expect.objectContaining({
          type: "dynamic-tool",
          toolCallId: "call-1",
          toolName: "search",
          state: "output-available",
          input: { q: "Danube" },
          output: "It said so.",
          providerExecuted: true,
        }),
        { type: "text", text: "Into the Black Sea [1].", state: "done" },
        expect.objectContaining({
          type: "source-document",
          sourceId: "citation-1",
          title: "rivers.md",
          providerMetadata: { spiritforge: citation },
        }),
      ],
    });
    expect(types(chunks).at(-1)).toBe("finish");
  });

  test("frames of other messages and repeated frames are ignored", () => {
    const stream = new UiMessageStreamEncoder(answerId);
    stream.begin();
    const other = toMessageId(7, 1);
    expect(stream.encode(frames.created(other))).toEqual([]);
    expect(stream.encode(frames.text(0, "Another's.", other))).toEqual([]);
    expect(types(stream.encode(frames.text(0, "Once")))).toEqual(["text-start", "text-delta"]);
    expect(stream.encode(frames.text(0, "Once"))).toEqual([]);
    expect(stream.encode(frames.text(0, "Once more"))).toEqual([{ type: "text-delta", id: "text-0", delta: " more" }]);
    expect(stream.encode({ type: "conversation.updated", title: "Rivers", pinned_facts: [] })).toEqual([]);
    expect(types(stream.encode(frames.cited()))).toEqual(["source-document"]);
    expect(stream.encode(frames.cited())).toEqual([]);
    stream.encode(frames.completed());
    expect(stream.encode(frames.text(9, "!"))).toEqual([]);
    expect(stream.abort("Too late.")).toEqual([]);
  });

  test("an approved tool call and a denied one are both in the stream", async () => {
    const allowed = encode([frames.approval("call-1")]);
    expect((await readAnswer(allowed)).message.parts.at(-1)).toMatchObject({
      state: "approval-requested",
      approval: { id: "call-1" },
    });
    const agreed = encode([frames.approval("call-1"), frames.started("call-1"), frames.finished("call-1", "complete")]);
    expect(types(agreed)).toContain("tool-approval-response");
    expect((await readAnswer(agreed)).message.parts.at(-1)).toMatchObject({
      state: "output-available",
      output: "It said so.",
      approval: { id: "call-1", approved: true },
    });
    const denied = encode([frames.approval("call-1"), frames.finished("call-1", "denied"), frames.text(0, "Then not.")]);
    const { message } = await readAnswer(denied);
    expect(message.parts[1]).toMatchObject({ state: "output-denied", approval: { id: "call-1", approved: false } });
  });

  test("a failed tool call has its error, also if it never started", async () => {
    const { message } = await readAnswer(
      encode([
        frames.started("call-1"),
        frames.finished("call-1", "failed", "No net."),
        frames.finished("call-2", "failed", "?"),
      ]),
    );
    expect(message.parts.slice(1)).toEqual([
      expect.objectContaining({ toolCallId: "call-1", state: "output-error", errorText: "No net." }),
      expect.objectContaining({ toolCallId: "call-2", state: "output-error", errorText: "?" }),
    ]);
  });

  test.each([
    ["stopped", frames.stopped(), [], { status: "stopped", usage, cost_usd: usage.cost_usd }],
    [
      "failed",
      frames.failed(),
      ["The provider is out of order."],
      { status: "failed", code: "provider_unavailable", retryable: true },
    ],
  ] as const)("an answer that is %s has that status and keeps its partial content", async (_how, frame, errors, metadata) => {
    const stream = new UiMessageStreamEncoder(answerId);
    const result = await readAnswer(encode([frames.text(0, "Into the"), frame], stream));
    expect(textOf(result)).toBe("Into the");
    expect(result.errors).toEqual(errors);
    expect(result.message.metadata).toEqual(metadata);
    expect(stream.isDone).toBe(true);
    expect(stream.position).toBe("end");
  });

  test("the stream ends when its answer is removed, and not when later messages are", async () => {
    const stream = new UiMessageStreamEncoder(answerId);
    stream.begin();
    expect(stream.encode({ type: "messages.removed", from_message_id: answerId + 1 })).toEqual([]);
    const chunks = stream.encode({ type: "messages.removed", from_message_id: answerId });
    expect(chunks).toContainEqual({ type: "error", errorText: "This answer was deleted." });
    expect(stream.isDone).toBe(true);
  });
});

describe("a reset after a crash of the room", () => {
  test("the stream retracts text that the room lost", async () => {
    const received = [
      frames.thought(0, "Think."),
      frames.started("call-1"),
      frames.finished("call-1", "complete"),
      frames.text(0, "Into the Black Sea."),
      frames.cited(),
      frames.reset(8, 6),
      frames.failed("interrupted"),
    ];
    const result = await readAnswer(encode(received));
    expect(textOf(result)).toBe("Into the");
    expect(textOf(result, "reasoning")).toBe("Think.");
    expect(result.message.parts.map(({ type }) => type)).toEqual([
      "step-start",
      "reasoning",
      "dynamic-tool",
      "text",
      "source-document",
    ]);
    expect(result.message.metadata).toMatchObject({ status: "interrupted", retryable: true });
  });

  test("the stream retracts nothing if the room kept everything", () => {
    const stream = new UiMessageStreamEncoder(answerId);
    stream.encode(frames.text(0, "All of it."));
    expect(stream.encode(frames.reset(10))).toEqual([]);
  });

  test("a resumed stream that cannot restore the earlier text ends", () => {
    const stream = new UiMessageStreamEncoder(answerId, "4.0.text-0");
    expect(stream.encode(frames.text(0, "Intomore"))).toEqual([{ type: "text-delta", id: "text-0", delta: "more" }]);
    expect(stream.encode(frames.reset(6))).toContainEqual(
      expect.objectContaining({ type: "error", errorText: expect.stringContaining("crash") as unknown }),
    );
    expect(stream.isDone).toBe(true);
  });
});

describe("a snapshot in the stream", () => {
  const written = anAnswer({
    text: "Into the Black",
    parts: [
      { type: "reasoning", text: "Think." },
      { type: "tool", call_id: "call-1" },
      { type: "text", text: "Into the Black" },
    ],
    tools: [{ call_id: "call-1", tool: "search", input: {}, status: "complete", output: "It said so.", duration_ms: 5 }],
    citations: [citation],
  });

  test.each([
    ["replaces the frames that a new client missed", []],
    ["replaces the received text", [frames.text(0, "Int")]],
  ])("a snapshot %s, and the answer continues after it", async (_what, before) => {
    const messages = [anAnswer({ id: toMessageId(7, 1), role: "user" }), written];
    const stream = new UiMessageStreamEncoder(answerId);
    const chunks = encode(
      [...before, { type: "snapshot", messages }, frames.text(9, "Black Sea."), frames.completed()],
      stream,
    );
    const result = await readAnswer(chunks);
    expect(textOf(result)).toBe("Into the Black Sea.");
    expect(types(chunks).filter((type) => type === "start")).toHaveLength(1);
    expect(result.message.parts).toHaveLength(5);
  });

  test("a snapshot with a finished answer ends the stream with its outcome", async () => {
    const complete = await readAnswer(
      new UiMessageStreamEncoder(answerId).encodeWhole({ ...written, status: "complete", usage, memory_status: "full" }),
    );
    expect(complete.message.metadata).toMatchObject({ status: "complete", usage, memory_status: "full" });
    const error = { code: "provider_timed_out", detail: "It did not answer in time.", retryable: true };
    const failed = await readAnswer(new UiMessageStreamEncoder(answerId).encodeWhole({ ...written, status: "failed", error }));
    expect(failed.errors).toEqual([error.detail]);
    expect(textOf(failed)).toBe("Into the Black");
  });

  test.each([
    ["unavailable", { type: "snapshot", unavailable: true }],
    ["without the answer", { type: "snapshot", messages: [] }],
  ] as const)("a snapshot that is %s ends the stream", (_what, snapshot) => {
    const stream = new UiMessageStreamEncoder(answerId);
    expect(types(stream.encode(snapshot))).toEqual(["finish-step", "error", "finish"]);
  });
});

describe("a reconnecting client", () => {
  test("an answer that began after the client's cursor is sent in full", async () => {
    const stream = new UiMessageStreamEncoder(answerId, "");
    const result = await readAnswer(encode([frames.created(), frames.text(0, "Hello."), frames.completed()], stream));
    expect(textOf(result)).toBe("Hello.");
    expect(result.message.id).toBe(String(answerId));
  });

  test("a client that does not report its position receives only new events", () => {
    const stream = new UiMessageStreamEncoder(answerId, "");
    expect(stream.encode(frames.text(4, " more"))).toEqual([
      { type: "text-start", id: "text-4" },
      { type: "text-delta", id: "text-4", delta: " more" },
    ]);
    expect(stream.position).toBe("9..text-4");
    expect(new UiMessageStreamEncoder(answerId, stream.position).encode(frames.text(11, "!"))).toContainEqual(
      expect.objectContaining({ type: "error", errorText: expect.stringContaining("did not arrive") as unknown }),
    );
  });

  test("a client loses and repeats nothing at any cut, also if the missed frames arrive in one batch", async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = seededRandom(seed);
      const { received, text, reasoning } = randomTurn(random);
      const chunks: UIMessageChunk[] = [];
      let stream = new UiMessageStreamEncoder(answerId);
      chunks.push(...stream.begin());
      for (const frame of received) {
        chunks.push(...stream.encode(frame));
        if (random() < 0.3 && !stream.isDone) stream = new UiMessageStreamEncoder(answerId, stream.position);
      }
      const result = await readAnswer(chunks);
      expect(textOf(result), `seed ${seed}`).toBe(text);
      expect(textOf(result, "reasoning"), `seed ${seed}`).toBe(reasoning);
      const stillOpen = result.message.parts.filter((part) => "state" in part && part.state === "streaming");
      expect(stillOpen, `seed ${seed}`).toEqual([]);
    }
  });
});

/** A turn by chance: stretches of thought and text, of which some overlap what was told before, and tools between. */
function randomTurn(random: () => number): { received: RoomFrameOrSnapshot[]; text: string; reasoning: string } {
  const received: RoomFrameOrSnapshot[] = [frames.created()];
  let text = "";
  let reasoning = "";
  for (let step = 0; step < 30; step += 1) {
    const word = `w${step}${"é".repeat(Math.floor(random() * 4))} `;
    const chance = random();
    const overlap = Math.floor(random() * 3);
    if (chance < 0.5) {
      const offset = Math.max(0, text.length - overlap);
      received.push(frames.text(offset, text.slice(offset) + word));
      text += word;
    } else if (chance < 0.8) {
      received.push(frames.thought(reasoning.length, word));
      reasoning += word;
    } else {
      received.push(frames.started(`call-${step}`), frames.finished(`call-${step}`, random() < 0.5 ? "complete" : "failed"));
    }
  }
  return { received: [...received, frames.completed()], text, reasoning };
}

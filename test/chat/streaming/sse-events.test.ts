import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { text as read } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { UIMessageChunk } from "ai";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  encodeSse,
  eventStreamHeaders,
  readCursor,
  createSseStream,
  encodeCompleteAnswer,
} from "../../../src/chat/streaming/sse-events.ts";
import { RoomSocketClient } from "../../../src/chat/streaming/room-socket.ts";
import { UiMessageStreamEncoder, type RoomFrameOrSnapshot } from "../../../src/chat/streaming/ui-message-stream.ts";
import { closeCodes } from "../../../src/kit/socket/close-codes.ts";
import { anAnswer, answerId, frames, textOf, readAnswer } from "../support/fixtures.ts";
import { fakeRoom } from "../support/fake-room.ts";
import { conversationTransport } from "../../../examples/chat-transport.ts";
import { asking, drain } from "../support/transport.ts";

let server: Server | undefined;

afterEach(async () => {
  vi.useRealTimers();
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

const decoder = new TextDecoder();

type Event = { id?: string; data: string };

/** The events in a text, as a client of server-sent events reads them. */
function eventsIn(text: string): Event[] {
  return text
    .split("\n\n")
    .map((block) => Object.fromEntries(block.split("\n").map((socket) => socket.split(/: (.*)/s, 2))) as Event)
    .filter(({ data }) => data !== undefined);
}

const chunksIn = (text: string) =>
  eventsIn(text)
    .filter(({ data }) => data !== "[DONE]")
    .map(({ data }) => JSON.parse(data) as UIMessageChunk);

/** A room that sends these frames, numbered from 1, to each client after its cursor. */
function roomOf(received: readonly RoomFrameOrSnapshot[]) {
  return fakeRoom((room) => {
    for (const [index, frame] of received.entries()) if (index + 1 > (room.after ?? 0)) room.send(index + 1, frame);
  });
}

const turn = [
  frames.created(),
  frames.thought(0, "Let me look."),
  frames.text(0, "Into the "),
  frames.text(9, "Black Sea.\n\nIt is 2,850 km long."),
  frames.cited(),
  frames.completed(),
];
const question = "Where does the Danube end?";
const answered = "Into the Black Sea.\n\nIt is 2,850 km long.";

describe("SSE events of an answer", () => {
  test("the events contain the whole answer, and the stream ends", async () => {
    const { dial, connections } = roomOf(turn);
    const output = await read(createSseStream(new UiMessageStreamEncoder(answerId), await RoomSocketClient.open(dial, 0)));
    expect(output.startsWith(": stream-open\n\n")).toBe(true);
    expect(output.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(textOf(await readAnswer(chunksIn(output)))).toBe(answered);
    expect(connections[0]!.isOpen).toBe(false);
  });

  test("a client can resume from every event ID without losing or repeating events", async () => {
    const whole = await read(
      createSseStream(new UiMessageStreamEncoder(answerId), await RoomSocketClient.open(roomOf(turn).dial, 0)),
    );
    const ids = eventsIn(whole).flatMap(({ id }) => (id === undefined ? [] : [id]));
    expect(ids.map((id) => readCursor(id)!.seq)).toEqual([2, 3, 4, 5, 6]);
    expect(readCursor(ids.at(-1)!)).toEqual({ seq: 6, position: "end" });
    for (const id of ids.slice(0, -1)) {
      const before = whole.slice(0, whole.indexOf(`id: ${id}\n`));
      const { seq, position: place } = readCursor(id)!;
      const socket = await RoomSocketClient.open(roomOf(turn).dial, seq);
      const after = await read(createSseStream(new UiMessageStreamEncoder(answerId, place), socket));
      expect([...chunksIn(`${before}\n\n`), ...chunksIn(after)]).toEqual(chunksIn(whole));
    }
  });

  test("a crash of the room in the middle is reported with the text that was kept", async () => {
    const { dial, connections } = fakeRoom((room) => {
      if (room.after !== 3) return;
      room.send(4, frames.reset(4, 0));
      room.send(5, frames.failed("interrupted"));
    });
    const socket = await RoomSocketClient.open(dial, 0);
    connections[0]!.send(2, frames.created());
    connections[0]!.send(3, frames.text(0, "Into the"));
    connections[0]!.close(1006);
    const result = await readAnswer(chunksIn(await read(createSseStream(new UiMessageStreamEncoder(answerId), socket))));
    expect(textOf(result)).toBe("Into");
    expect(result.errors).toEqual(["The provider is out of order."]);
  });

  test("the last event has the reason and no ID if the room connection is lost", async () => {
    const { dial, connections } = fakeRoom();
    const socket = await RoomSocketClient.open(dial, 0);
    connections[0]!.send(1, frames.text(0, "Into"));
    connections[0]!.close(closeCodes.erased);
    const output = await read(createSseStream(new UiMessageStreamEncoder(answerId), socket));
    expect((await readAnswer(chunksIn(output))).errors).toEqual(["This conversation was deleted."]);
    expect(eventsIn(output).findLast(({ id }) => id !== undefined)?.id).toBe("1-4.0.text-0");
  });

  test("an internal error ends the stream with a generic message", async () => {
    const source = { next: () => Promise.reject(new Error("secret")), close: () => {} };
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const output = await read(createSseStream(new UiMessageStreamEncoder(answerId), source));
    expect(output).toContain("Internal server error. Try again later.");
    expect(output).not.toContain("secret");
    expect(logged).toHaveBeenCalledOnce();
    logged.mockRestore();
  });

  test("comments keep the connection alive while no events arrive", async () => {
    const { dial, connections } = fakeRoom();
    const reader = createSseStream(new UiMessageStreamEncoder(answerId), await RoomSocketClient.open(dial, 0), 20).getReader();
    await reader.read();
    expect(decoder.decode((await reader.read()).value)).toBe(": keep-alive\n\n");
    await reader.cancel();
    expect(connections[0]!.isOpen).toBe(false);
  });

  test("events are read from the room only as fast as the client reads", async () => {
    const { dial, connections } = fakeRoom();
    const socket = await RoomSocketClient.open(dial, 0);
    const reader = createSseStream(new UiMessageStreamEncoder(answerId), socket).getReader();
    for (let seq = 1; seq <= 300; seq += 1) connections[0]!.send(seq, frames.text(seq - 1, "x"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(connections[0]!.acks).toEqual([]);
    for (let count = 0; count < 70; count += 1) await reader.read();
    expect(connections[0]!.acks).toEqual([64]);
    await reader.cancel();
  });

  test("the events of a finished answer are returned at once", () => {
    const stream = new UiMessageStreamEncoder(answerId);
    const message = anAnswer({ status: "complete", parts: [{ type: "text", text: answered }], text: answered });
    const events = eventsIn(encodeCompleteAnswer(stream, stream.encodeWhole(message), 12));
    expect(events.at(-1)).toEqual({ data: "[DONE]" });
    expect(events.at(-2)).toMatchObject({ id: "12-end" });
  });

  test("no answer has no events", () => {
    expect(encodeSse([], { seq: 1, position: "" })).toBe("");
  });

  test.each(["", "x", "-1", "1-", "1 2", "1234567890123456", "12-<b>"])("the cursor %j is invalid", (text) => {
    expect(readCursor(text)).toBeUndefined();
  });

  test("a plain number is a valid cursor", () => {
    expect(readCursor("57")).toEqual({ seq: 57, position: "" });
  });
});

describe("the AI SDK's transport", () => {
  type ReceivedRequest = { method: string; url: string; accept: string | undefined; body: string };

  /** A server with the conversation routes that the transport uses. */
  async function serve(
    streamOf: (received: ReceivedRequest) => Promise<ReadableStream<Uint8Array> | undefined>,
  ): Promise<[string, ReceivedRequest[]]> {
    const all: ReceivedRequest[] = [];
    const answer = async (request: IncomingMessage, reply: ServerResponse) => {
      const { method = "", url = "", headers } = request;
      const received = { method, url, accept: headers.accept, body: await read(request) };
      all.push(received);
      const stream = await streamOf(received);
      reply.writeHead(stream === undefined ? 204 : 200, eventStreamHeaders);
      // A client that goes away is no failure.
      await pipeline(Readable.fromWeb((stream ?? new Blob([]).stream()) as never), reply).catch(() => {});
    };
    server = createServer((request, reply) => void answer(request, reply));
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    return [`http://127.0.0.1:${(server.address() as { port: number }).port}/api/v2/conversations`, all];
  }

  test("the transport sends a message, regenerates the answer and reads both", async () => {
    const [api, requests] = await serve(async () =>
      createSseStream(new UiMessageStreamEncoder(answerId), await RoomSocketClient.open(roomOf(turn).dial, 0)),
    );
    const transport = conversationTransport(api, {});
    for (const trigger of ["submit-message", "regenerate-message"] as const) {
      const stream = await transport.sendMessages(asking(7, question, "client-1", { trigger }));
      const result = await readAnswer(await drain(stream));
      expect(textOf(result)).toBe(answered);
      expect(result.message.id).toBe(String(answerId));
    }
    expect(requests).toEqual([
      {
        method: "POST",
        url: "/api/v2/conversations/7/messages",
        accept: "text/event-stream",
        body: JSON.stringify({ client_id: "client-1", text: question, attachment_ids: [] }),
      },
      {
        method: "POST",
        url: "/api/v2/conversations/7/regenerate",
        accept: "text/event-stream",
        body: JSON.stringify({ client_id: "client-1", text: question, attachment_ids: [] }),
      },
    ]);
  });

  test("the transport reconnects to a running answer, and gets nothing if none is running", async () => {
    const snapshot = {
      type: "snapshot",
      messages: [anAnswer({ text: "Into the ", parts: [{ type: "text", text: "Into the " }] })],
    };
    const received = [snapshot as RoomFrameOrSnapshot, ...turn.slice(3)];
    let isWriting = true;
    const [api, requests] = await serve(async () =>
      isWriting
        ? createSseStream(new UiMessageStreamEncoder(answerId), await RoomSocketClient.open(roomOf(received).dial, undefined))
        : undefined,
    );
    const transport = conversationTransport(api, {});
    const stream = await transport.reconnectToStream({ chatId: "7" });
    expect(textOf(await readAnswer(await drain(stream!)))).toBe(answered);
    expect(requests[0]).toMatchObject({ method: "GET", url: "/api/v2/conversations/7/stream" });
    isWriting = false;
    expect(await transport.reconnectToStream({ chatId: "7" })).toBeNull();
  });

  test("a client that disconnects closes the room connection", async () => {
    const { dial, connections } = fakeRoom((room) => room.send(1, frames.text(0, "Into")));
    const [api] = await serve(async () =>
      createSseStream(new UiMessageStreamEncoder(answerId), await RoomSocketClient.open(dial, 0)),
    );
    const stream = await conversationTransport(api, {}).sendMessages(asking(7, question, "client-1"));
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    await expect.poll(() => connections[0]!.isOpen).toBe(false);
    expect(connections[0]!.acks).toEqual([]);
  });
});

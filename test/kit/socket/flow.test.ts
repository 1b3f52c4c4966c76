import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Frame, TestSocket } from "../../support/sockets.ts";
import { flush, pause, run, seqsOf, startRooms, type Rooms } from "./support/rooms.ts";

let rooms: Rooms;

beforeAll(async () => {
  rooms = await startRooms();
});
afterAll(() => rooms.close());

const isSnapshot = ({ type }: Frame) => type === "snapshot";

/** Joins, and waits for the snapshot. */
async function settled(room: string): Promise<TestSocket> {
  const socket = await rooms.join(room);
  const { seq } = await socket.until(isSnapshot);
  socket.send({ type: "ack", seq });
  return socket;
}

describe("a socket that does not acknowledge", () => {
  test("is held at the window, and replayed what it missed once it does", async () => {
    const room = "held;windowFrames=8";
    const socket = await settled(room);
    await rooms.call(room, "say", 100);
    await flush(socket);
    expect(seqsOf(socket.received)).toEqual(run(1, 8));
    socket.send({ type: "ack", seq: 8 });
    expect(await socket.until(({ type }) => type === "frames")).toMatchObject({ from_seq: 9, seq: 100 });
    socket.send({ type: "ack", seq: 100 });
    await rooms.call(room, "say", 1);
    await socket.until(({ seq }) => seq === 101);
    expect(seqsOf(socket.received)).toEqual(run(1, 101));
  });

  test("is given a snapshot where the log no longer reaches", async () => {
    const room = "gone;windowFrames=8";
    const socket = await settled(room);
    await rooms.call(room, "say", 600);
    await flush(socket);
    socket.send({ type: "ack", seq: 8 });
    expect(await socket.until(isSnapshot)).toMatchObject({ seq: 600 });
    await rooms.call(room, "say", 1);
    await socket.until(({ seq }) => seq === 601);
    expect(seqsOf(socket.received)).toEqual([...run(1, 8), 601]);
  });

  test("is sent no more than a window of bytes, though it does not even read", async () => {
    const room = "deaf";
    const socket = await settled(room);
    socket.raw.pause();
    await rooms.call(room, "say", 200, 10_000);
    const window = 256 * 1024;
    const [place] = await rooms.placesAtRest(room);
    expect(place!.bytes).toBeGreaterThanOrEqual(window);
    expect(place!.bytes).toBeLessThan(window + 11_000);
    socket.raw.resume();
    await flush(socket);
    expect(JSON.stringify(socket.received).length).toBeLessThan(window + 12_000);
    socket.send({ type: "ack", seq: seqsOf(socket.received).at(-1)! });
    expect(await socket.until(({ type }) => type === "frames")).toMatchObject({ from_seq: seqsOf(socket.received)[27]! });
  });

  test("is told no state either, but once it is current", async () => {
    const room = "states;windowFrames=2";
    const socket = await settled(room);
    await rooms.call(room, "say", 3);
    await rooms.call(room, "tellState");
    await flush(socket);
    expect(socket.received.some(({ type }) => type === "state")).toBe(false);
    const before = (await rooms.call(room, "calls")).filter((hook) => hook === "onCurrent").length;
    socket.send({ type: "ack", seq: 2 });
    await socket.until(({ type }) => type === "frames");
    expect((await rooms.call(room, "calls")).filter((hook) => hook === "onCurrent").length).toBe(before + 1);
    await rooms.call(room, "tellState");
    expect(await socket.until(({ type }) => type === "state")).toEqual({ type: "state", seq: 3 });
  });

  test("is closed when a frame is due to it and its patience has run out", async () => {
    const room = "dull;windowFrames=2;patienceMs=0";
    const socket = await settled(room);
    expect(await rooms.call(room, "say", 4)).toBe(0);
    expect(await socket.closed).toMatchObject({ code: 4008 });
    expect(seqsOf(socket.received)).toEqual([1, 2]);
  });

  test("is closed by the alarm where nothing more is due to it", async () => {
    const room = "forgotten;windowFrames=2;patienceMs=300";
    const socket = await settled(room);
    await rooms.call(room, "say", 3);
    await rooms.evict(room);
    expect(await socket.closed).toMatchObject({ code: 4008 });
  });

  test("is held after an eviction as before it", async () => {
    const room = "hibernating;windowFrames=4";
    const socket = await settled(room);
    await rooms.call(room, "say", 3);
    await rooms.evict(room);
    await rooms.call(room, "say", 3);
    await rooms.evict(room);
    await rooms.call(room, "say", 3);
    await flush(socket);
    expect(seqsOf(socket.received)).toEqual(run(1, 4));
    socket.send({ type: "ack", seq: 4 });
    await socket.until(({ seq }) => seq === 9);
    expect(seqsOf(socket.received)).toEqual(run(1, 9));
  });
});

test("whoever keeps acknowledging is sent everything", async () => {
  const room = "keen;windowFrames=16";
  const socket = await settled(room);
  socket.raw.on("message", () => {
    const { seq } = socket.received.at(-1)!;
    if (seq % 8 === 0) socket.send({ type: "ack", seq });
  });
  for (let n = 0; n < 20; n += 1) {
    await rooms.call(room, "say", 8);
    await pause(5);
  }
  await socket.until(({ seq }) => seq === 160);
  expect(seqsOf(socket.received)).toEqual(run(1, 160));
});

test("who tells much at once can wait for those who keep up, and not for long for one who does not", async () => {
  const room = "patient;windowFrames=16";
  const keen = await settled(room);
  keen.raw.on("message", () => {
    const { seq, type } = keen.received.at(-1)!;
    if (type === "delta") keen.send({ type: "ack", seq });
  });
  await rooms.call(room, "tellSlowly", 300, "word ");
  await keen.until(({ seq }) => seq === 1_500);
  expect(keen.received.filter(({ type }) => type === "delta")).toHaveLength(300);
  const deaf = await settled(room);
  expect(await rooms.call(room, "tellSlowly", 300, "word ")).toBeLessThan(2_000);
  await flush(deaf);
  expect(deaf.received.filter(({ type }) => type === "delta")).toHaveLength(16);
});

test("an acknowledgement of what was not sent, or was acknowledged before, changes nothing", async () => {
  const room = "liar;windowFrames=4";
  const socket = await settled(room);
  await rooms.call(room, "say", 10);
  for (const seq of [1_000, 0]) socket.send({ type: "ack", seq });
  await flush(socket);
  expect(seqsOf(socket.received)).toEqual(run(1, 4));
});

test.each([
  ["is not JSON", "{", "", "is not valid JSON"],
  ["is binary", new TextEncoder().encode('{"type":"say"}'), "", "must be text, not binary"],
  ["is no object", "5", "", "must be a JSON object"],
  ["has no type", "{}", "type", "is required"],
  ["has a type that is no text", '{"type":1}', "type", "must be a string"],
  ["has more than 64 KiB", JSON.stringify({ type: "say", text: "é".repeat(32 * 1024) }), "", "must have at most 65536 bytes"],
  ["acknowledges no number", '{"type":"ack","seq":"1"}', "seq", "must be a whole number of at least 0"],
  [
    "is nested 3,000 levels deep",
    `{"type":"say","a":${"[".repeat(3_000)}`,
    `a${".0".repeat(63)}`,
    "is nested more than 64 levels deep",
  ],
  ["has a NUL", '{"type":"say","text":"a\\u0000"}', "text", "has a character that cannot be stored"],
  ["has half a pair", '{"type":"say","a":{"b":["\\ud800"]}}', "a.b.0", "has a character that cannot be stored"],
  ["has a name twice", '{"type":"say","type":"fail"}', "type", "occurs twice in its object"],
])("a message that %s is malformed, and the frame says where", async (_, message, path, fault) => {
  const socket = await settled("malformed");
  socket.send(message);
  const errors = [{ path, in: "body", message: fault }];
  const detail = path === "" ? `The message ${fault}.` : `${path}: ${fault}.`;
  const answer = await socket.until(({ type }) => type === "error");
  expect(answer).toEqual({ type: "error", seq: 0, code: "malformed_frame", detail, errors });
  await socket.close();
});

test("a frame that a room does not know is answered so", async () => {
  const socket = await settled("unknown");
  socket.send({ type: "what" });
  expect(await socket.until(({ type }) => type === "error")).toEqual({
    type: "error",
    seq: 0,
    code: "unknown_frame",
    detail: "type: must be one of: ack.",
    errors: [{ path: "type", in: "body", message: "must be one of: ack" }],
  });
});

test("a socket that sends more than 60 messages in 10 s is closed, and another is not", async () => {
  const [loud, quiet] = [await settled("loud"), await settled("loud")];
  for (let n = 0; n < 70; n += 1) loud.send({ type: "what" });
  expect(await loud.closed).toMatchObject({ code: 1008 });
  expect(loud.received.filter(({ type }) => type === "error").length).toBeLessThanOrEqual(60);
  await flush(quiet);
});

test("an acknowledgement is no message too many, unless it says nothing new", async () => {
  const room = "prompt;rateMessages=5";
  const socket = await settled(room);
  for (let seq = 1; seq <= 10; seq += 1) {
    await rooms.call(room, "say", 1);
    socket.send({ type: "ack", seq });
  }
  await flush(socket);
  expect(seqsOf(socket.received)).toEqual(run(1, 10));
  for (let n = 0; n < 6; n += 1) socket.send({ type: "ack", seq: 10 });
  expect(await socket.closed).toMatchObject({ code: 1008 });
});

test("a ping is answered without the room", async () => {
  const socket = await settled("pinged");
  await rooms.evict("pinged");
  const answer = new Promise((resolve) => {
    socket.raw.once("message", (data: Buffer) => resolve(data.toString()));
  });
  socket.send("ping");
  expect(await answer).toBe("pong");
  expect(await rooms.call("pinged", "calls")).toEqual([]);
});

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
  test("it is paused at the window and gets what it missed after an acknowledgement", async () => {
    const room = "held;windowFrames=8";
    const socket = await settled(room);
    await rooms.call(room, "publishFrames", 100);
    await flush(socket);
    expect(seqsOf(socket.received)).toEqual(run(1, 8));
    socket.send({ type: "ack", seq: 8 });
    expect(await socket.until(({ type }) => type === "frames")).toMatchObject({ from_seq: 9, seq: 100 });
    socket.send({ type: "ack", seq: 100 });
    await rooms.call(room, "publishFrames", 1);
    await socket.until(({ seq }) => seq === 101);
    expect(seqsOf(socket.received)).toEqual(run(1, 101));
  });

  test("it gets a snapshot if the log no longer has what it missed", async () => {
    const room = "gone;windowFrames=8";
    const socket = await settled(room);
    await rooms.call(room, "publishFrames", 600);
    await flush(socket);
    socket.send({ type: "ack", seq: 8 });
    expect(await socket.until(isSnapshot)).toMatchObject({ seq: 600 });
    await rooms.call(room, "publishFrames", 1);
    await socket.until(({ seq }) => seq === 601);
    expect(seqsOf(socket.received)).toEqual([...run(1, 8), 601]);
  });

  test("it is sent at most one window of bytes, even if it does not read", async () => {
    const room = "deaf";
    const socket = await settled(room);
    socket.raw.pause();
    await rooms.call(room, "publishFrames", 200, 10_000);
    const window = 256 * 1024;
    const [place] = await rooms.idlePositions(room);
    expect(place!.bytes).toBeGreaterThanOrEqual(window);
    expect(place!.bytes).toBeLessThan(window + 11_000);
    socket.raw.resume();
    await flush(socket);
    expect(JSON.stringify(socket.received).length).toBeLessThan(window + 12_000);
    socket.send({ type: "ack", seq: seqsOf(socket.received).at(-1)! });
    expect(await socket.until(({ type }) => type === "frames")).toMatchObject({ from_seq: seqsOf(socket.received)[27]! });
  });

  test("it gets no state frames until it has caught up", async () => {
    const room = "states;windowFrames=2";
    const socket = await settled(room);
    await rooms.call(room, "publishFrames", 3);
    await rooms.call(room, "broadcastTestState");
    await flush(socket);
    expect(socket.received.some(({ type }) => type === "state")).toBe(false);
    const before = (await rooms.call(room, "calls")).filter((hook) => hook === "onCurrent").length;
    socket.send({ type: "ack", seq: 2 });
    await socket.until(({ type }) => type === "frames");
    expect((await rooms.call(room, "calls")).filter((hook) => hook === "onCurrent").length).toBe(before + 1);
    await rooms.call(room, "broadcastTestState");
    expect(await socket.until(({ type }) => type === "state")).toEqual({ type: "state", seq: 3 });
  });

  test("it is closed when a frame is due and its timeout has passed", async () => {
    const room = "dull;windowFrames=2;patienceMs=0";
    const socket = await settled(room);
    expect(await rooms.call(room, "publishFrames", 4)).toBe(0);
    expect(await socket.closed).toMatchObject({ code: 4008 });
    expect(seqsOf(socket.received)).toEqual([1, 2]);
  });

  test("it is closed by the alarm if no frame is due", async () => {
    const room = "forgotten;windowFrames=2;patienceMs=300";
    const socket = await settled(room);
    await rooms.call(room, "publishFrames", 3);
    await rooms.evict(room);
    expect(await socket.closed).toMatchObject({ code: 4008 });
  });

  test("it stays paused after an eviction", async () => {
    const room = "hibernating;windowFrames=4";
    const socket = await settled(room);
    await rooms.call(room, "publishFrames", 3);
    await rooms.evict(room);
    await rooms.call(room, "publishFrames", 3);
    await rooms.evict(room);
    await rooms.call(room, "publishFrames", 3);
    await flush(socket);
    expect(seqsOf(socket.received)).toEqual(run(1, 4));
    socket.send({ type: "ack", seq: 4 });
    await socket.until(({ seq }) => seq === 9);
    expect(seqsOf(socket.received)).toEqual(run(1, 9));
  });
});

test("a socket that keeps acknowledging receives everything", async () => {
  const room = "keen;windowFrames=16";
  const socket = await settled(room);
  socket.raw.on("message", () => {
    const { seq } = socket.received.at(-1)!;
    if (seq % 8 === 0) socket.send({ type: "ack", seq });
  });
  for (let n = 0; n < 20; n += 1) {
    await rooms.call(room, "publishFrames", 8);
    await pause(5);
  }
  await socket.until(({ seq }) => seq === 160);
  expect(seqsOf(socket.received)).toEqual(run(1, 160));
});

test("a sender of many frames waits for sockets that acknowledge, and once for a socket that does not", async () => {
  const room = "patient;windowFrames=16";
  const keen = await settled(room);
  keen.raw.on("message", () => {
    const { seq, type } = keen.received.at(-1)!;
    if (type === "delta") keen.send({ type: "ack", seq });
  });
  expect(await rooms.call(room, "publishTextSlowly", 300, "word ", 60_000)).toBe(0);
  await keen.until(({ seq }) => seq === 1_500);
  expect(keen.received.filter(({ type }) => type === "delta")).toHaveLength(300);
  await keen.close();
  const deaf = await settled(room);
  expect(await rooms.call(room, "publishTextSlowly", 300, "word ", 50)).toBe(1);
  await flush(deaf);
  expect(deaf.received.filter(({ type }) => type === "delta")).toHaveLength(16);
});

test("an acknowledgement of an unsent or already acknowledged frame changes nothing", async () => {
  const room = "liar;windowFrames=4";
  const socket = await settled(room);
  await rooms.call(room, "publishFrames", 10);
  for (const seq of [1_000, 0]) socket.send({ type: "ack", seq });
  await flush(socket);
  expect(seqsOf(socket.received)).toEqual(run(1, 4));
});

test.each([
  ["is not JSON", "{", "", "is not valid JSON"],
  ["is binary", new TextEncoder().encode('{"type":"post"}'), "", "must be text, not binary"],
  ["is not an object", "5", "", "must be a JSON object"],
  ["has no type", "{}", "type", "is required"],
  ["has a type that is not a string", '{"type":1}', "type", "must be a string"],
  ["has more than 64 KiB", JSON.stringify({ type: "post", text: "é".repeat(32 * 1024) }), "", "must have at most 65536 bytes"],
  ["acknowledges something other than a number", '{"type":"ack","seq":"1"}', "seq", "must be a whole number of at least 0"],
  [
    "is nested 3,000 levels deep",
    `{"type":"post","a":${"[".repeat(3_000)}`,
    `a${".0".repeat(63)}`,
    "is nested more than 64 levels deep",
  ],
  ["has a NUL", '{"type":"post","text":"a\\u0000"}', "text", "has a character that cannot be stored"],
  ["has half a pair", '{"type":"post","a":{"b":["\\ud800"]}}', "a.b.0", "has a character that cannot be stored"],
  ["has a name twice", '{"type":"post","type":"fail"}', "type", "occurs twice in its object"],
])("a message that %s is malformed, and the frame says where", async (_, message, path, fault) => {
  const socket = await settled("malformed");
  socket.send(message);
  const errors = [{ path, in: "body", message: fault }];
  const detail = path === "" ? `The message ${fault}.` : `${path}: ${fault}.`;
  const answer = await socket.until(({ type }) => type === "error");
  expect(answer).toEqual({ type: "error", seq: 0, code: "malformed_frame", detail, errors });
  await socket.close();
});

test("an unknown frame type is answered with an error frame", async () => {
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

test("a socket that sends more than 60 messages in 10 s is closed, and others are not", async () => {
  const [loud, quiet] = [await settled("loud"), await settled("loud")];
  for (let n = 0; n < 70; n += 1) loud.send({ type: "what" });
  expect(await loud.closed).toMatchObject({ code: 1008 });
  expect(loud.received.filter(({ type }) => type === "error").length).toBeLessThanOrEqual(60);
  await flush(quiet);
});

test("an acknowledgement counts towards the message limit only if it acknowledges nothing new", async () => {
  const room = "prompt;rateMessages=5";
  const socket = await settled(room);
  for (let seq = 1; seq <= 10; seq += 1) {
    await rooms.call(room, "publishFrames", 1);
    socket.send({ type: "ack", seq });
  }
  await flush(socket);
  expect(seqsOf(socket.received)).toEqual(run(1, 10));
  for (let n = 0; n < 6; n += 1) socket.send({ type: "ack", seq: 10 });
  expect(await socket.closed).toMatchObject({ code: 1008 });
});

test("a ping is answered without waking the room", async () => {
  const socket = await settled("pinged");
  await rooms.evict("pinged");
  const answer = new Promise((resolve) => {
    socket.raw.once("message", (data: Buffer) => resolve(data.toString()));
  });
  socket.send("ping");
  expect(await answer).toBe("pong");
  expect(await rooms.call("pinged", "calls")).toEqual([]);
});

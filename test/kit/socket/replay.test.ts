import { WebSocket as ReconnectingSocket } from "partysocket";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Frame } from "../../support/sockets.ts";
import { flush, pause, run, seqsOf, startRooms, type Rooms } from "./support/rooms.ts";

let rooms: Rooms;

beforeAll(async () => {
  rooms = await startRooms();
});
afterAll(() => rooms.close());

const isText = ({ type }: Frame) => type === "text";
const isSnapshot = ({ type }: Frame) => type === "snapshot";

describe("a client that reconnects with `after` gets exactly what it missed in one message", () => {
  test("a client that was disconnected gets what it missed", async () => {
    await rooms.call("away", "publishFrames", 5);
    const socket = await rooms.join("away", { after: 2 });
    expect(await socket.next()).toMatchObject({
      type: "frames",
      from_seq: 3,
      seq: 5,
      frames: [{ n: 3, seq: 3 }, { n: 4 }, { n: 5 }],
    });
    await rooms.call("away", "publishFrames", 1);
    expect(await socket.until(isText)).toMatchObject({ seq: 6, n: 1 });
  });

  test("after an eviction, the client gets what it missed, and an open socket gets the next frame", async () => {
    const stayed = await rooms.join("evicted");
    await stayed.until(isSnapshot);
    await rooms.call("evicted", "publishFrames", 3);
    await rooms.evict("evicted");
    const back = await rooms.join("evicted", { after: 1 });
    expect(await back.next()).toMatchObject({ type: "frames", from_seq: 2, seq: 3 });
    await rooms.evict("evicted");
    await rooms.call("evicted", "publishFrames", 2);
    await Promise.all([stayed, back].map((socket) => socket.until(({ seq }) => seq === 5)));
    expect(seqsOf(stayed.received)).toEqual(run(1, 5));
    expect(seqsOf(back.received)).toEqual(run(2, 5));
  });

  test("a client gets what it missed after the room was evicted while frames were in flight", async () => {
    const room = "broken-off";
    const socket = await rooms.join(room);
    await socket.until(isSnapshot);
    await rooms.call(room, "publishFrames", 3);
    await rooms.idlePositions(room);
    await rooms.call(room, "losePositions");
    await rooms.evictNow(room);
    expect(await rooms.call(room, "devices")).toEqual([]);
    expect(await rooms.call(room, "calls")).toEqual(["onDevices"]);
    expect(await socket.closed).toMatchObject({ code: 4001 });
    await rooms.call(room, "publishFrames", 2);
    expect(seqsOf(socket.received)).toEqual(run(1, 3));
    const back = await rooms.join(room, { after: 3 });
    expect(await back.next()).toMatchObject({ type: "frames", from_seq: 4, seq: 5 });
  });

  test("a client gets what it missed after workerd restarted with the same storage", async () => {
    const before = await rooms.join("restarted");
    await rooms.call("restarted", "publishFrames", 4);
    const isolate = await rooms.call("restarted", "isolate");
    const used = await rooms.urlOf("restarted");
    await (await rooms.visit(used)).close();
    await rooms.restart();
    await before.closed;
    expect(await rooms.call("restarted", "isolate")).not.toBe(isolate);
    const back = await rooms.join("restarted", { after: 1 });
    expect(await back.next()).toMatchObject({ type: "frames", from_seq: 2, seq: 4 });
    await rooms.call("restarted", "publishFrames", 1);
    await back.until(({ seq }) => seq === 5);
    expect(seqsOf(back.received)).toEqual(run(2, 5));
    await expect(rooms.visit(used)).rejects.toThrow("401");
  });

  test("a client that missed nothing gets nothing", async () => {
    await rooms.call("current", "publishFrames", 2);
    const socket = await rooms.join("current", { after: 2 });
    await rooms.call("current", "publishFrames", 1);
    expect(await socket.until(isText)).toMatchObject({ seq: 3 });
    expect(socket.received.filter(({ type }) => type !== "presence")).toHaveLength(1);
  });
});

test("missed frames are sent in batches of at most 256 KiB, each after the previous acknowledgement", async () => {
  await rooms.call("pieces", "publishFrames", 60, 10_000);
  const socket = await rooms.join("pieces", { after: 0 });
  let pieces = 0;
  for (let last = 0; last < 60; pieces += 1) {
    const frame = await socket.until(({ type }) => type === "frames");
    expect(JSON.stringify(frame).length).toBeLessThan(260 * 1024);
    expect(frame["from_seq"]).toBe(last + 1);
    last = frame.seq;
    socket.send({ type: "ack", seq: last });
  }
  expect(pieces).toBe(3);
  expect(seqsOf(socket.received)).toEqual(run(1, 60));
});

describe("a snapshot", () => {
  test.each([
    ["that connects for the first time", undefined],
    ["that is ahead of the log", 1_000],
    ["whose cursor is older than the log", 1],
  ])("a snapshot is sent to a client %s", async (_, after) => {
    const room = `snapshot-of-${String(after)}`;
    await rooms.call(room, "publishFrames", 550);
    const socket = await rooms.join(room, { after });
    expect(await socket.next()).toEqual({ type: "snapshot", seq: 550, user_id: 7, label: "Zürich 🏔" });
    await rooms.call(room, "publishFrames", 1);
    expect(await socket.until(isText)).toMatchObject({ seq: 551 });
  });

  test("a snapshot comes before frames that are published while it is read, and those come once", async () => {
    const room = "slow;snapshotTakes=200";
    await rooms.call(room, "publishFrames", 3);
    const socket = await rooms.join(room);
    for (let n = 0; n < 5; n += 1) await rooms.call(room, "publishFrames", 2);
    await pause(250);
    await rooms.call(room, "publishFrames", 1);
    await socket.until(({ seq }) => seq === 14);
    expect(socket.received.find(({ type }) => type !== "presence")).toMatchObject({ type: "snapshot", seq: 3 });
    expect(seqsOf(socket.received)).toEqual(run(4, 14));
  });
});

test("a hook that publishes while a frame is being sent keeps the order of frames", async () => {
  const room = "gossip;gossips;discreet;windowFrames=5;patienceMs=0";
  const join = (id: number) => rooms.join(room, { device: `session:${id}`, after: 0 });
  const [before, slow, behind] = [await join(1), await join(2), await join(3)];
  for (const socket of [before, slow, behind]) await socket.until(({ seq }) => seq === 3);
  for (const socket of [before, behind]) {
    socket.send({ type: "ack", seq: 3 });
    await flush(socket);
  }
  // With the sixth frame the second socket lags; with the seventh it is closed, which is told as the eighth before the third has the seventh.
  await rooms.call(room, "publishFrames", 4);
  expect(await slow.closed).toMatchObject({ code: 4008 });
  await Promise.all([before, behind].map((socket) => socket.until(({ seq }) => seq === 8)));
  expect(seqsOf(before.received)).toEqual(run(1, 8));
  expect(seqsOf(behind.received)).toEqual(run(1, 8));
});

test("a thousand sockets that reconnect at once get what they missed, once and in order", async () => {
  const room = "thousand;discreet";
  await rooms.call(room, "publishFrames", 200);
  const visit = async (index: number) => rooms.join(room, { after: index % 200, device: `session:${index % 300}` });
  const sockets = await Promise.all(Array.from({ length: 1_000 }, (_, index) => visit(index)));
  await rooms.call(room, "publishFrames", 3);
  await Promise.all(sockets.map((socket) => socket.until(({ seq, type }) => seq === 203 && type === "text")));
  sockets.forEach(({ received }, index) => expect(seqsOf(received)).toEqual(run((index % 200) + 1, 203)));
  for (const { raw } of sockets) raw.terminate();
});

test("a partysocket client reconnects with a new ticket and `after`, and misses nothing", async () => {
  const room = "party;lifeMs=300";
  const seen: Frame[] = [];
  const lastSeen = () => Math.max(0, ...seen.map(({ seq }) => seq));
  const urlOf = async () => String(await rooms.urlOf(room, { after: lastSeen() })).replace("http", "ws");
  const client = new ReconnectingSocket(urlOf, [], { WebSocket, minReconnectionDelay: 10, maxReconnectionDelay: 50 });
  const codes: number[] = [];
  client.addEventListener("message", ({ data }) => {
    seen.push(JSON.parse(String(data)) as Frame);
    client.send(JSON.stringify({ type: "ack", seq: lastSeen() }));
  });
  client.addEventListener("close", ({ code }) => codes.push(code));
  let published = 0;
  while (published < 30 || codes.length < 2) {
    await rooms.call(room, "publishFrames", 1);
    published += 1;
    await pause(40);
  }
  await expect.poll(lastSeen).toBe(published);
  expect(seqsOf(seen)).toEqual(run(1, published));
  expect(new Set(codes)).toEqual(new Set([4001]));
  client.close();
});

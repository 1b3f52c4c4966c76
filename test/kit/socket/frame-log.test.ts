import { afterAll, beforeAll, expect, test } from "vitest";
import { flush, run, startRooms, type Rooms } from "./support/rooms.ts";

let rooms: Rooms;

beforeAll(async () => {
  rooms = await startRooms();
});
afterAll(() => rooms.close());

test("a frame writes one row, with or without a key, also when the log is full", async () => {
  const plain = await rooms.call("plain", "rowsOfAppends", 30, 10);
  expect(plain).toEqual({ rows: Array.from({ length: 30 }, () => 1), first: 22, last: 31 });
  const keyed = await rooms.call("keyed", "rowsOfAppends", 30, 10, "key");
  expect(keyed.rows).toEqual(Array.from({ length: 30 }, () => 1));
});

test("frames are numbered from 1, and a key in the log is not appended again", async () => {
  expect(await rooms.call("keys", "append", { type: "text" }, "a")).toBe(1);
  expect(await rooms.call("keys", "append", { type: "text" }, "b")).toBe(2);
  expect(await rooms.call("keys", "append", { type: "text" }, "a")).toBeUndefined();
  expect(await rooms.call("keys", "append", { type: "text" })).toBe(3);
});

test("the log keeps the newest 500 frames, reports a gap before them, and never reuses a number", async () => {
  await rooms.call("many", "publishFrames", 1_100);
  expect(await rooms.call("many", "after", 1_098)).toEqual({ gap: false, seqs: [1_099, 1_100] });
  expect(await rooms.call("many", "after", 600)).toEqual({ gap: false, seqs: run(601, 1_100) });
  expect(await rooms.call("many", "after", 599)).toEqual({ gap: true, seqs: [] });
  expect(await rooms.call("many", "after", 1_100)).toEqual({ gap: false, seqs: [] });
  await rooms.evict("many");
  expect(await rooms.call("many", "append", { type: "text" })).toBe(1_101);
});

test("the log is read in pages of at least one frame", async () => {
  await rooms.call("pieces", "publishFrames", 10, 1_000);
  expect((await rooms.call("pieces", "after", 0, 3_500)).seqs).toEqual([1, 2, 3]);
  expect((await rooms.call("pieces", "after", 3, 10)).seqs).toEqual([4]);
});

test("a frame larger than 256 KiB is refused and gets no number", async () => {
  await expect(rooms.call("large", "append", { type: "text", text: "é".repeat(129 * 1024) })).rejects.toThrow(
    "at most 262144 bytes",
  );
  expect(await rooms.call("large", "append", { type: "text", text: "x".repeat(255 * 1024) })).toBe(1);
});

test("a text writes a row at its start, one per flush with new text, and one at its end", async () => {
  const { rows, frames } = await rooms.call("text", "rowsOfText");
  expect(rows).toEqual({ begin: 1, grow: 0, flush: 1, idle: 0, end: 1 });
  expect(frames).toEqual([
    { type: "delta", message_id: 1, offset: 0, text: "Hello, world", from_seq: 1, seq: 12 },
    { type: "text", seq: 13 },
  ]);
});

test("each delta of a chunk is one frame, also across or above the maximum segment length", async () => {
  const room = "together";
  const socket = await rooms.join(room);
  await socket.until(({ type }) => type === "snapshot");
  const long = `${"a".repeat(32_767)}👋${"b".repeat(40_000)}`;
  const pieces = ["x".repeat(20_000), "y".repeat(20_000), "z", long];
  await rooms.call(room, "publishDeltas", pieces);
  await flush(socket);
  const deltas = socket.received.filter(({ type }) => type === "delta");
  expect(deltas.map(({ text }) => String(text))).toEqual([
    ...pieces.slice(0, 3),
    "a".repeat(32_767),
    `👋${"b".repeat(32_766)}`,
    "b".repeat(7_234),
  ]);
  const whole = pieces.join("");
  for (const { offset, text, from_seq, seq } of deltas) {
    expect(whole.slice(Number(offset), Number(offset) + String(text).length)).toBe(text);
    expect([from_seq, seq]).toEqual([Number(offset) + 1, Number(offset) + String(text).length]);
  }
  const back = await rooms.join(room, { after: 25_000 });
  const { frames } = await back.until(({ type }) => type === "frames");
  expect((frames as { text: string }[]).map(({ text }) => text).join("")).toBe(whole.slice(25_000));
});

test("a text of 4,000 deltas is read back as one frame from any position", async () => {
  const room = "long";
  await rooms.call(room, "publishTextPieces", 4_000, "word ");
  const socket = await rooms.join(room, { after: 7_501 });
  const { frames, ...replay } = (await socket.next()) as unknown as { frames: { text: string; offset: number }[] };
  expect(replay).toMatchObject({ type: "frames", from_seq: 7_502, seq: 20_000 });
  expect(frames).toHaveLength(1);
  expect(frames[0]).toMatchObject({ offset: 7_501, text: "word ".repeat(4_000).slice(7_501) });
});

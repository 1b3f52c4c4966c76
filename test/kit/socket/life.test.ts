import { afterAll, beforeAll, expect, test } from "vitest";
import type { Frame } from "../../support/sockets.ts";
import { pause, startRooms, type Rooms } from "./support/rooms.ts";

let rooms: Rooms;

beforeAll(async () => {
  rooms = await startRooms();
});
afterAll(() => rooms.close());

const isSnapshot = ({ type }: Frame) => type === "snapshot";
const presence = (received: readonly Frame[]) =>
  received.filter(({ type }) => type === "presence").map((frame) => frame["devices"]);

test("a socket is closed with 4001 when its lifetime ends, even after an eviction, and no alarm is left", async () => {
  const room = "aged;lifeMs=2500";
  const first = await rooms.join(room);
  await rooms.call(room, "publishFrames", 1);
  const alarmAt = await rooms.call(room, "alarmAt");
  await rooms.evict(room);
  const second = await rooms.join(room);
  expect(await rooms.call(room, "alarmAt")).toBe(alarmAt);
  expect(await first.closed).toMatchObject({ code: 4001, reason: "Reconnect" });
  expect(await second.closed).toMatchObject({ code: 4001 });
  expect(await rooms.call(room, "devices")).toEqual([]);
  await rooms.call(room, "forgetTickets");
  await rooms.call(room, "workAt", Date.now());
  await expect.poll(() => rooms.call(room, "alarmAt")).toBeNull();
  expect(await rooms.call(room, "after", 0)).toEqual({ gap: false, seqs: [1] });
});

test("a used ticket stays used after its socket is gone until it expires; then nothing is left", async () => {
  const room = "visited";
  const url = await rooms.urlOf(room);
  await (await rooms.visit(url)).close();
  await rooms.call(room, "runAlarmTwice");
  await expect(rooms.visit(url)).rejects.toThrow("401");
  await rooms.call(room, "forgetTickets");
  await rooms.call(room, "runAlarmTwice");
  expect(await kept(room)).toEqual([]);
});

test("an alarm that runs twice acts once and keeps later work", async () => {
  const socket = await rooms.join("twice");
  await socket.until(isSnapshot);
  const alarmAt = await rooms.call("twice", "alarmAt");
  await rooms.call("twice", "workAt", Date.now() + 60_000);
  expect(await rooms.call("twice", "alarmAt")).toBeLessThan(alarmAt!);
  await rooms.call("twice", "runAlarmTwice");
  await rooms.call("twice", "workAt", Date.now() - 1);
  await rooms.call("twice", "runAlarmTwice");
  await pause(50);
  expect((await rooms.call("twice", "calls")).filter((call) => call === "work")).toEqual(["work"]);
  expect(await rooms.call("twice", "alarmAt")).toBe(alarmAt);
  expect(socket.received.filter(isSnapshot)).toHaveLength(1);
});

test("failed alarm work is retried, and sockets are still closed on time", async () => {
  const room = "failing;workFails;lifeMs=300";
  const socket = await rooms.join(room);
  await rooms.call(room, "workAt", Date.now());
  expect(await socket.closed).toMatchObject({ code: 4001 });
  await expect.poll(() => rooms.call(room, "alarmAt")).toBeGreaterThan(Date.now() + 3_000);
});

test("a revoked device is closed with 4003 and its open ticket is refused, also after an eviction", async () => {
  const mine = { device: "session:5" };
  const [socket, another] = [await rooms.join("revoked", mine), await rooms.join("revoked", { device: "session:55" })];
  const outstanding = await rooms.urlOf("revoked", mine);
  await rooms.call("revoked", "revoke", "session:5");
  expect(await socket.closed).toMatchObject({ code: 4003 });
  await rooms.evict("revoked");
  await expect(rooms.visit(outstanding)).rejects.toThrow("401");
  expect(another.raw.readyState).toBe(another.raw.OPEN);
  await rooms.join("revoked", { device: "session:55" });
});

test("revoking all devices closes every socket and refuses every open ticket", async () => {
  const sockets = [await rooms.join("banned"), await rooms.join("banned", { device: "key:1" })];
  const outstanding = await rooms.urlOf("banned", { device: "session:77" });
  await rooms.call("banned", "revokeAll");
  expect(await Promise.all(sockets.map(({ closed }) => closed))).toMatchObject([{ code: 4003 }, { code: 4003 }]);
  await rooms.evict("banned");
  await expect(rooms.visit(outstanding)).rejects.toThrow("401");
});

test("rows of tickets and revoked devices are deleted when they expire", async () => {
  await rooms.join("rows");
  await rooms.call("rows", "revoke", "session:9");
  const storage = await rooms.worker.getDurableObjectStorage("ROOMS", { name: "rows" });
  const count = async () =>
    (
      await storage.exec(
        "select (select count(*) from burned_tickets) as tickets, (select count(*) from revoked_devices) as devices",
      )
    )[0];
  expect(await count()).toEqual({ tickets: 1, devices: 1 });
  await rooms.call("rows", "runAlarmTwice");
  expect(await count()).toEqual({ tickets: 1, devices: 1 });
  await storage.exec("update burned_tickets set expires_at = 1");
  await storage.exec("update revoked_devices set until = 1");
  await rooms.call("rows", "runAlarmTwice");
  expect(await count()).toEqual({ tickets: 0, devices: 0 });
});

test("a device connects and disconnects once, regardless of the number of its sockets and how they end", async () => {
  const room = "present";
  const watcher = await rooms.join(room, { device: "session:1", label: "Firefox" });
  await watcher.until(isSnapshot);
  const tabs = await Promise.all([1, 2, 3].map(() => rooms.join(room, { device: "session:2" })));
  expect(await rooms.call(room, "devices")).toEqual([
    { device: "session:1", label: "Firefox", since: expect.stringMatching(/^\d{4}-.*Z$/) as string },
    { device: "session:2", label: "Zürich 🏔", since: expect.any(String) as string },
  ]);
  for (let n = 0; n < 70; n += 1) tabs[0]!.send({ type: "flood" });
  expect(await tabs[0]!.closed).toMatchObject({ code: 1008 });
  await tabs[1]!.close();
  tabs[2]!.raw.terminate();
  await expect.poll(() => presence(watcher.received)).toEqual([["session:1", "session:2"], ["session:1"]]);
  await Promise.all([rooms.join(room, { device: "key:3" }), rooms.join(room, { device: "key:3" })]);
  await rooms.call(room, "closeDevice", "key:3", 4003, "Signed out");
  await expect.poll(() => presence(watcher.received).slice(2)).toEqual([["session:1", "key:3"], ["session:1"]]);
  await pause(50);
  expect(presence(watcher.received)).toHaveLength(4);
});

test("a client that closes without a code receives the close frame of the room", async () => {
  const socket = await rooms.join("goodbye");
  await socket.close();
  // 1006 is what a client sees that gave up on the answer.
  expect(await socket.closed).toMatchObject({ code: 1005 });
});

test("closing all sockets is one presence change", async () => {
  const room = "closed";
  const sockets = await Promise.all([1, 2, 3].map((id) => rooms.join(room, { device: `session:${id}` })));
  const before = (await rooms.call(room, "calls")).filter((hook) => hook === "onDevices").length;
  await rooms.call(room, "closeAll", 4001, "Reconnect");
  await Promise.all(sockets.map(({ closed }) => closed));
  expect((await rooms.call(room, "calls")).filter((hook) => hook === "onDevices")).toHaveLength(before + 1);
});

test("a frame that is published again with its key is sent once", async () => {
  const socket = await rooms.join("again");
  await socket.until(isSnapshot);
  expect(await rooms.call("again", "publish", { type: "text" }, "key")).toBe(1);
  expect((await rooms.call("again", "publish", { type: "text" }, "key")) ?? null).toBeNull();
  await rooms.evict("again");
  expect((await rooms.call("again", "publish", { type: "text" }, "key")) ?? null).toBeNull();
  expect(await rooms.call("again", "publish", { type: "text" }, "other")).toBe(2);
  await socket.until(({ seq }) => seq === 2);
  expect(socket.received.filter(({ type }) => type === "text")).toHaveLength(2);
});

test("an erased room leaves nothing, whenever its sockets close, and can be used again", async () => {
  const room = "erased;snapshotTakes=100";
  const [socket, asleep] = [await rooms.join(room), await rooms.join(room, { device: "session:2" })];
  asleep.raw.pause();
  await rooms.call(room, "publishFrames", 3);
  await rooms.call(room, "revoke", "session:8");
  const outstanding = await rooms.urlOf(room);
  await rooms.call(room, "erase");
  expect(await socket.closed).toMatchObject({ code: 4004 });
  await expect(rooms.visit(outstanding)).rejects.toThrow("401");
  await pause(150);
  expect(await kept(room)).toEqual([]);
  await rooms.evict(room);
  asleep.raw.terminate();
  await asleep.closed;
  await pause(100);
  expect(await kept(room)).toEqual([]);
  const anew = await rooms.join(room, { after: 3 });
  expect(await anew.until(isSnapshot)).toMatchObject({ seq: 0 });
});

test("a room that is used right after it was erased works normally", async () => {
  const room = "reused;lifeMs=300";
  await rooms.join(room);
  await rooms.call(room, "erase");
  await pause(5);
  const socket = await rooms.join(room);
  await rooms.call(room, "publishFrames", 1);
  expect(await socket.until(({ type }) => type === "text")).toMatchObject({ seq: 1 });
  expect(await socket.closed).toMatchObject({ code: 4001 });
});

/** What a room has in its storage: tables, keys, devices, an alarm. What the simulator and the platform keep there is not its own. */
async function kept(room: string): Promise<unknown[]> {
  const storage = await rooms.worker.getDurableObjectStorage("ROOMS", { name: room });
  const tables = await storage.exec("select name from sqlite_schema where type = 'table'");
  const own = tables.map(({ name }) => name as string).filter((name) => !/^(_cf|__miniflare)/.test(name));
  const alarmAt = await rooms.call(room, "alarmAt");
  return [
    ...own,
    ...(await rooms.call(room, "keys")),
    ...(await rooms.call(room, "devices")),
    ...(alarmAt === null ? [] : [alarmAt]),
  ];
}

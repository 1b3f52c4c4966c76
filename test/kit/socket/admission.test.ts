import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, refusal } from "../../support/sockets.ts";
import { startRooms, type Rooms } from "./support/rooms.ts";

let rooms: Rooms;

beforeAll(async () => {
  rooms = await startRooms();
});
afterAll(() => rooms.close());

const unauthenticated = { status: 401, type: "application/problem+json", problem: { code: "unauthenticated" } };
const broken = { status: 500, type: "application/problem+json", problem: { code: "internal" } };

describe("a socket that is refused before the upgrade with problem details", () => {
  test("a used ticket is refused", async () => {
    const url = await rooms.urlOf("used");
    await connect(url);
    expect(await refusal(url)).toMatchObject(unauthenticated);
    await rooms.evict("used");
    expect(await refusal(url)).toMatchObject({ ...unauthenticated, problem: { request_id: "request-of-a-test" } });
  });

  test("an expired ticket is refused", async () => {
    expect(await rooms.refused("expired", { issuedAt: Date.now() - 60_000 })).toMatchObject(unauthenticated);
  });

  test("a forged ticket, a missing one, and one of another room are refused", async () => {
    const url = await rooms.urlOf("forged");
    url.searchParams.set("ticket", `x${url.searchParams.get("ticket")}`);
    expect(await refusal(url)).toMatchObject(unauthenticated);
    url.searchParams.delete("ticket");
    expect(await refusal(url)).toMatchObject(unauthenticated);
    expect(await rooms.refused("foreign", { resource: "forged" })).toMatchObject(unauthenticated);
  });

  test("claims that did not come from the Worker's ticket are refused", async () => {
    const url = await rooms.urlOf("claims");
    url.searchParams.delete("ticket");
    const claims = { user_id: 1, device: "session:1", label: "", resource: "claims", jti: 1, expires_at: 9e15 };
    const headers = { "x-socket-claims": encodeURIComponent(JSON.stringify(claims)) };
    expect(await refusal(url, headers)).toMatchObject(unauthenticated);
    const socket = await connect(await rooms.urlOf("claims"), headers);
    expect(await socket.next()).toMatchObject({ type: "snapshot", user_id: 7 });
  });

  test("a full room refuses sockets until one leaves", async () => {
    const room = "full;maxSockets=2";
    const [first] = [await rooms.join(room), await rooms.join(room)];
    expect(await rooms.refused(room)).toMatchObject({ status: 429, problem: { code: "rate_limited" } });
    await first.close();
    await rooms.join(room);
    const storm = "storm;maxSockets=10";
    const urls = await Promise.all(Array.from({ length: 30 }, () => rooms.urlOf(storm)));
    const tried = await Promise.allSettled(urls.map((url) => connect(url)));
    expect(tried.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
  });
});

test("a request without an upgrade is 426 and does not use its ticket", async () => {
  const url = await rooms.urlOf("plain");
  const reply = await fetch(url);
  expect(reply.status).toBe(426);
  expect(await reply.json()).toMatchObject({ code: "upgrade_required", success: false });
  await connect(url);
});

test("the reply to an upgrade can have extra headers", async () => {
  const raw = new WebSocket(String(await rooms.urlOf("headers")).replace("http", "ws"));
  const [reply] = (await once(raw, "upgrade")) as [IncomingMessage];
  expect(reply.headers["x-added"]).toBe("by the edge");
});

describe("internal errors of a room", () => {
  test("a room that fails to start refuses the socket, and the ticket stays valid", async () => {
    const url = await rooms.urlOf("a;startFails");
    const refused = await refusal(url);
    expect(refused).toMatchObject(broken);
    expect(await refusal(url)).toMatchObject(broken);
    expect(refused.text).not.toMatch(/secret of|at .*\.(js|ts)/);
    expect(rooms.logs().join()).toContain("secret of the start");
  });

  test("a failed snapshot is reported as unavailable, and later frames arrive", async () => {
    const socket = await rooms.join("a;snapshotFails");
    expect(await socket.next()).toEqual({ type: "snapshot", seq: 0, unavailable: true });
    await rooms.call("a;snapshotFails", "publishFrames", 1);
    expect(await socket.until(({ type }) => type === "text")).toMatchObject({ seq: 1 });
  });

  test("a frame handler that throws is answered with an error code, or with the message of an AppError", async () => {
    const socket = await rooms.join("handled");
    await socket.until(({ type }) => type === "snapshot");
    socket.send({ type: "fail" });
    expect(await socket.next()).toEqual({
      type: "error",
      seq: 0,
      code: "internal",
      detail: "An unexpected error occurred on the server.",
    });
    socket.send({ type: "refuse" });
    expect(await socket.next()).toEqual({ type: "error", seq: 0, code: "forbidden", detail: "Not you." });
  });

  test("a failing hook does not affect the room", async () => {
    const socket = await rooms.join("a;devicesFail");
    await socket.until(({ type }) => type === "snapshot");
    await rooms.call("a;devicesFail", "publishFrames", 1);
    expect(await socket.until(({ type }) => type === "text")).toMatchObject({ seq: 1 });
  });
});

test("a client cannot choose its connection ID, its name or properties of the room", async () => {
  const url = await rooms.urlOf("chosen");
  url.searchParams.set("_pk", "chosen-by-me");
  const socket = await connect(url, { "x-partykit-room": "other", "x-partykit-props": "not even JSON" });
  await socket.until(({ type }) => type === "snapshot");
  socket.send({ type: "id" });
  const { id, uri } = await socket.next();
  expect(id).toMatch(/^[\w-]{21}$/);
  expect(uri).toBe("https://room/");
});

test("tickets are not logged", () => {
  expect(rooms.logs().join()).not.toMatch(/ticket=|jti|eyJ/);
});

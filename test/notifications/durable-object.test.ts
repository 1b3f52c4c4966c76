import { WebSocket as ReconnectingWebSocket } from "partysocket";
import { beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { ServerFrame } from "../../src/notifications/protocol.ts";
import { bodyOf, useApi } from "../support/api.ts";
import { authHeader, createUser, type Person } from "../support/users.ts";
import { connect, refusal, type Frame } from "../support/sockets.ts";
import { anotherDevice, sendRequest, hubUrl, openHub, ticketOf } from "./support/notifications.ts";

const api = useApi();
let person: Person;

beforeEach(async () => {
  person = await createUser(api);
});

const isType = (type: string) => (frame: Frame) => frame.type === type;
const write = (who: Person, preferences: Record<string, unknown>, headers: Record<string, string> = {}) =>
  sendRequest(api, who, "/api/v2/me/preferences", { method: "PUT", body: { preferences }, headers });

/** Puts news into somebody's inbox, past the hub. */
async function insertNotification(who: Person, title: string): Promise<number> {
  const [row] = await api.database.sql(
    "insert into notifications (user_id, kind, title, body) values ($1, 'test', $2, '') returning id",
    [who.id, title],
  );
  return Number(row!["id"]);
}

describe("a new device", () => {
  test("a new device receives a snapshot and the presence list", async () => {
    await insertNotification(person, "first");
    await write(person, { theme: "dark" });
    const socket = await openHub(api, person);
    const snapshot = await socket.next();
    expect(snapshot).toMatchObject({ type: "snapshot", unread: 1, preferences: { theme: "dark" }, version: 1 });
    expect(snapshot["notifications"]).toMatchObject([{ kind: "test", title: "first", read_at: null }]);
    const presence = await socket.until(isType("presence"));
    expect(presence["devices"]).toMatchObject([{ device: `session:${person.sessionId}`, since: expect.any(String) }]);
    await socket.close();
  });

  test("a new device is connected with an unavailable snapshot if Postgres is down", async () => {
    const ticket = await ticketOf(api, person);
    await api.stopPostgres();
    const socket = await connect(hubUrl(api, ticket));
    expect(await socket.next()).toEqual({ type: "snapshot", seq: 0, unavailable: true });
    await api.startPostgres();
    await socket.close();
  });

  test("the frames of a new device match the protocol", async () => {
    const other = await anotherDevice(api, person);
    const id = await insertNotification(person, "news");
    const socket = await openHub(api, person);
    await write(other, { a: 1 });
    await sendRequest(api, other, `/api/v2/notifications/${id}/read`, { method: "POST" });
    await socket.until(isType("notifications_read"));
    for (const frame of socket.received) expect(ServerFrame.safeParse(frame).error?.message).toBeUndefined();
    await socket.close();
  });
});

describe("two devices", () => {
  test("each device receives the other's preferences and read marks", async () => {
    const other = await anotherDevice(api, person);
    const [id, last] = [await insertNotification(person, "one"), await insertNotification(person, "two")];
    const socket = await openHub(api, other);
    await socket.until(isType("presence"));

    await write(person, { theme: "light" });
    expect(await socket.until(isType("preferences_changed"))).toMatchObject({ preferences: { theme: "light" }, version: 1 });

    await sendRequest(api, person, `/api/v2/notifications/${id}/read`, { method: "POST" });
    expect(await socket.until(isType("notifications_read"))).toMatchObject({ ids: [id], up_to: null });

    await sendRequest(api, person, "/api/v2/notifications/read-all", { method: "POST", body: {} });
    expect(await socket.until(isType("notifications_read"))).toMatchObject({ ids: null, up_to: last });
    await socket.close();
  });

  test("each device sees the other connect and disconnect, and a second tab is the same device", async () => {
    const other = await anotherDevice(api, person);
    const first = await openHub(api, person);
    await first.until(isType("presence"));
    const second = await openHub(api, other);
    const both = await first.until(isType("presence"));
    expect((both["devices"] as { device: string }[]).map(({ device }) => device)).toEqual([
      `session:${person.sessionId}`,
      `session:${other.sessionId}`,
    ]);
    const tab = await openHub(api, other);
    await tab.close();
    await second.close();
    const alone = await first.until(isType("presence"));
    expect(alone["devices"]).toHaveLength(1);
    await first.close();
  });
});

describe("a reconnecting device", () => {
  test("it receives exactly what it missed in one frame, also after hibernation", async () => {
    const socket = await openHub(api, person);
    const { seq } = await socket.until(isType("snapshot"));
    await socket.close();
    for (let i = 1; i <= 5; i++) await write(person, { i });
    await api.worker.evictDurableObject("USER_HUB", { name: String(person.id) });
    const again = await openHub(api, person, seq);
    const missed = await again.until(isType("frames"));
    expect(missed).toMatchObject({ from_seq: seq + 1, seq: seq + 5 });
    expect((missed["frames"] as { version: number }[]).map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
    await again.close();
  });

  test("it receives a snapshot from Postgres if the log no longer reaches back", async () => {
    const socket = await openHub(api, person);
    await socket.until(isType("snapshot"));
    await socket.close();
    const storage = await api.worker.getDurableObjectStorage("USER_HUB", { name: String(person.id) });
    await write(person, { i: 1 });
    await expect.poll(() => storage.exec("select count(*) as n from frame_log")).toEqual([{ n: 1 }]);
    await storage.exec("update frame_log set seq = 900");
    await api.worker.evictDurableObject("USER_HUB", { name: String(person.id) });
    await insertNotification(person, "beyond");
    const again = await openHub(api, person, 1);
    const snapshot = await again.next();
    expect(snapshot).toMatchObject({ type: "snapshot", seq: 900, preferences: { i: 1 }, unread: 1 });
    await again.close();
  });

  test("it reconnects with partysocket, with a new ticket each time", async () => {
    let seen: number | undefined;
    const tickets = new Set<string>();
    const client = new ReconnectingWebSocket(
      async () => {
        const ticket = await ticketOf(api, person);
        tickets.add(ticket);
        return hubUrl(api, ticket, seen).replace(/^http/, "ws");
      },
      undefined,
      { WebSocket, minReconnectionDelay: 50, maxReconnectionDelay: 50 },
    );
    const frames: Frame[] = [];
    client.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame;
      frames.push(frame);
      seen = frame.seq;
    });
    await expect.poll(() => frames.some(isType("snapshot"))).toBe(true);
    client.reconnect();
    await write(person, { while: "away" });
    const framesOf = () =>
      frames.flatMap((frame) => (frame["frames"] as Frame[] | undefined) ?? [frame]).filter(isType("preferences_changed"));
    await expect.poll(() => framesOf().length).toBe(1);
    expect(tickets.size).toBe(2);
    client.close();
  });
});

describe("a device that is signed out", () => {
  test("it is notified and closed and its open ticket is refused, while the other device stays", async () => {
    const other = await anotherDevice(api, person);
    const [mine, theirs] = [await openHub(api, person), await openHub(api, other)];
    const ticket = await ticketOf(api, other);
    await sendRequest(api, person, `/api/v2/sessions/${other.sessionId}`, { method: "DELETE" });
    expect(await theirs.closed).toMatchObject({ code: 4003 });
    expect(theirs.received.at(-1)).toMatchObject({ type: "session_revoked", device: `session:${other.sessionId}` });
    expect(await mine.until(isType("session_revoked"))).toMatchObject({ device: `session:${other.sessionId}` });
    expect((await refusal(hubUrl(api, ticket))).status).toBe(401);
    expect(mine.raw.readyState).toBe(WebSocket.OPEN);
    await mine.close();
  });

  test("a ban closes all devices", async () => {
    const admin = await createUser(api, ["superuser"]);
    const sockets = [await openHub(api, person), await openHub(api, await anotherDevice(api, person))];
    await sendRequest(api, admin, `/api/v2/admin/users/${person.id}/ban`, { method: "POST", body: { reason: "spam" } });
    for (const socket of sockets) expect(await socket.closed).toMatchObject({ code: 4003 });
  });

  test("a program is closed when its key is revoked", async () => {
    const made = await bodyOf(
      await sendRequest(api, person, "/api/v2/api-keys", {
        method: "POST",
        body: { name: "watcher", scopes: ["account.read"] },
      }),
    );
    const { api_key, key } = made as { api_key: { id: number }; key: string };
    const socket = await openHub(api, { token: key });
    const presence = await socket.until(isType("presence"));
    expect(presence["devices"]).toMatchObject([{ device: `key:${api_key.id}` }]);
    await sendRequest(api, person, `/api/v2/api-keys/${api_key.id}`, { method: "DELETE" });
    expect(await socket.closed).toMatchObject({ code: 4003 });
  });
});

describe("a socket ticket", () => {
  test("it opens one socket", async () => {
    const ticket = await ticketOf(api, person);
    const socket = await connect(hubUrl(api, ticket));
    const refused = await refusal(hubUrl(api, ticket));
    expect([refused.status, refused.problem["code"]]).toEqual([401, "unauthenticated"]);
    await socket.close();
  });

  test("a forged, missing or other resource's ticket opens no socket", async () => {
    const ticket = await ticketOf(api, person);
    const [payload, signature] = ticket.split(".") as [string, string];
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const forged = Buffer.from(JSON.stringify({ ...claims, user_id: person.id + 1 })).toString("base64url");
    for (const text of [`${forged}.${signature}`, payload, `${payload}.`, "x.y", person.token]) {
      expect((await refusal(hubUrl(api, text))).status).toBe(401);
    }
  });

  test("a ticket for a missing resource, or another user's, is not issued", async () => {
    for (const resource of ["conversation:5", "training-job:5"]) {
      const reply = await sendRequest(api, person, "/api/v2/socket-tickets", { method: "POST", body: { resource } });
      expect(reply.status).toBe(404);
    }
    const malformed = await sendRequest(api, person, "/api/v2/socket-tickets", {
      method: "POST",
      body: { resource: "users:1" },
    });
    expect(malformed.status).toBe(422);
  });

  test("a ticket opens a socket from an allowed origin only", async () => {
    const foreign = await refusal(hubUrl(api, await ticketOf(api, person)), { origin: "https://evil.example" });
    expect([foreign.status, foreign.problem["code"]]).toEqual([403, "cross_site"]);
    const socket = await connect(hubUrl(api, await ticketOf(api, person)), { origin: "http://localhost:3000" });
    await socket.close();
  });

  test("a request without an upgrade is 426 and does not use the ticket", async () => {
    const ticket = await ticketOf(api, person);
    const reply = await api.get(hubUrl(api, ticket), { headers: authHeader(person.token) });
    expect([reply.status, (await bodyOf(reply)).code]).toEqual([426, "upgrade_required"]);
    await (await connect(hubUrl(api, ticket))).close();
  });
});

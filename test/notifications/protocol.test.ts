import { describe, expect, test } from "vitest";
import { ClientFrame, EventFrame, ServerFrame } from "../../src/notifications/protocol.ts";

const at = "2026-01-02T03:04:05.678Z";
const notification = {
  id: 7,
  kind: "level_up",
  title: "Ada reached level 2",
  body: "",
  link: null,
  data: {},
  created_at: at,
  read_at: null,
};

const events = [
  { type: "notification", notification },
  { type: "notifications_read", ids: [7], up_to: null, read_at: at },
  { type: "notifications_read", ids: null, up_to: 9, read_at: at },
  { type: "preferences_changed", preferences: { theme: "dark" }, version: 2 },
  { type: "session_revoked", device: "session:12" },
] as const;

describe("an event frame", () => {
  test.each(events)("an event of type $type is parsed with a sequence number, alone or in a batch", (event) => {
    expect(EventFrame.parse(event)).toEqual(event);
    const numbered = { ...event, seq: 3 };
    expect(ServerFrame.parse(numbered)).toEqual(numbered);
    const missed = { type: "frames", from_seq: 2, seq: 3, frames: [numbered] };
    expect(ServerFrame.parse(missed)).toEqual(missed);
    expect(ServerFrame.safeParse(event).success).toBe(false);
    expect(ServerFrame.safeParse({ ...missed, frames: [event] }).success).toBe(false);
  });

  test.each([
    ["of an unknown type", { type: "message", seq: 1 }],
    ["with a negative sequence number", { ...events[4], seq: -1 }],
    ["with a date that is not an ISO date", { ...events[1], read_at: "yesterday", seq: 1 }],
    ["without its notification", { type: "notification", seq: 1 }],
    ["whose preferences are a list", { ...events[3], preferences: [], seq: 1 }],
  ])("an event %s is refused", (_, frame) => {
    expect(ServerFrame.safeParse(frame).success).toBe(false);
  });
});

describe("a state frame", () => {
  test.each([
    { type: "snapshot", seq: 0, notifications: [notification], unread: 1, preferences: {}, version: 0 },
    { type: "snapshot", seq: 4, unavailable: true },
    { type: "presence", seq: 4, devices: [{ device: "key:3", label: "Program", since: at }] },
    {
      type: "error",
      seq: 4,
      code: "malformed_frame",
      detail: "seq: is required.",
      errors: [{ path: "seq", in: "body", message: "is required" }],
    },
  ])("a frame of type $type is a server frame and not an event", (frame) => {
    expect(ServerFrame.parse(frame)).toEqual(frame);
    expect(EventFrame.safeParse(frame).success).toBe(false);
  });
});

describe("a client frame", () => {
  test("an acknowledgement has a sequence number", () => {
    expect(ClientFrame.parse({ type: "ack", seq: 0 })).toEqual({ type: "ack", seq: 0 });
  });

  test.each([
    { type: "ack" },
    { type: "ack", seq: -1 },
    { type: "ack", seq: 1.5 },
    { type: "ack", seq: "1" },
    { type: "pong", seq: 1 },
  ])("the frame %j is refused", (frame) => {
    expect(ClientFrame.safeParse(frame).success).toBe(false);
  });
});

import { describe, expect, test } from "vitest";
import { TurnFrame } from "../../src/agent/protocol.ts";
import { ClientFrame, clientFrameTypes, RoomFrame } from "../../src/chat/protocol.ts";
import { frames } from "./support/fixtures.ts";

describe("client frames", () => {
  test("a frame is parsed with default values for omitted fields", () => {
    const sent = { type: "message.send", client_id: "m1", text: "  Which sea? " };
    expect(ClientFrame.parse(sent)).toEqual({ ...sent, text: "Which sea?", attachment_ids: [] });
    expect(ClientFrame.parse({ type: "typing" })).toEqual({ type: "typing", is_typing: true });
    expect(ClientFrame.parse({ type: "tool.deny", call_id: "a" })).toEqual({ type: "tool.deny", call_id: "a" });
  });

  test.each([
    ["without text", { type: "message.send", client_id: "m1", text: "  " }],
    ["with a space in client_id", { type: "message.send", client_id: "m 1", text: "Which sea?" }],
    ["with five files", { type: "message.send", client_id: "m1", text: "These", attachment_ids: ["a", "b", "c", "d", "e"] }],
    ["that approves no call", { type: "tool.approve", call_id: "" }],
    ["of a room", { type: "turn.stopped", message_id: 1, usage: {} }],
  ])("a frame %s is refused", (_, frame) => {
    expect(ClientFrame.safeParse(frame).success).toBe(false);
  });

  test("the list of frame types distinguishes an unknown frame from a malformed one", () => {
    expect(clientFrameTypes).toEqual(["message.send", "turn.stop", "tool.approve", "tool.deny", "typing"]);
  });
});

describe("room frames", () => {
  test("the room has all frames of a turn and its own", () => {
    const types = RoomFrame.options.map(({ shape }) => shape.type.value);
    expect(types).toEqual([
      ...TurnFrame.options.map(({ shape }) => shape.type.value),
      "messages.removed",
      "conversation.updated",
      "message.updated",
    ]);
    expect(new Set(types).size).toBe(types.length);
  });

  test.each([
    frames.created(),
    frames.text(0, "The North Sea."),
    frames.thought(0, "Hm."),
    frames.reset(3),
    frames.completed(),
    frames.stopped(),
    frames.failed(),
    { type: "messages.removed", from_message_id: 3 } as const,
    { type: "conversation.updated", title: "Seas", pinned_facts: ["I swim."] } as const,
    { type: "message.updated", message_id: 2, feedback: { rating: "up", comment: "" }, confirmed: "task" } as const,
  ])("a frame of type $type is parsed", (frame) => {
    expect(RoomFrame.parse(frame)).toEqual(frame);
  });
});

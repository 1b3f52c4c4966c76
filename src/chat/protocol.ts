import * as z from "zod";
import { TurnFrame } from "../agent/protocol.ts";

/** The frames of a conversation's socket, in both directions. */

// ── Frames from clients ──────────────────────────────────────────────────────

export const ClientId = z.string().regex(/^[!-~]{1,100}$/, "must be 1–100 printable ASCII characters without spaces");

export const SendFrame = z
  .object({
    type: z.literal("message.send"),
    client_id: ClientId,
    text: z.string().trim().min(1).max(16_000),
    attachment_ids: z.array(z.string().max(64)).max(4).default([]),
  })
  .meta({
    description:
      "Sends a message. A message that is sent twice with the same `client_id` is stored once; with another content, it is refused",
  });
const StopFrame = z.object({ type: z.literal("turn.stop") }).meta({ description: "Stops the running turn" });
export const ApprovalFrame = z
  .object({ type: z.enum(["tool.approve", "tool.deny"]), call_id: z.string().min(1).max(200) })
  .meta({ description: "Approves or denies a pending tool call" });
const TypingFrame = z
  .object({ type: z.literal("typing"), is_typing: z.boolean().default(true) })
  .meta({ description: "Tells the other devices that the user is typing" });

export const ClientFrame = z.discriminatedUnion("type", [SendFrame, StopFrame, ApprovalFrame, TypingFrame]);
export type ClientFrame = z.output<typeof ClientFrame>;

/** The types of all client frames. */
export const clientFrameTypes = ClientFrame.options.flatMap(({ shape }): string[] =>
  shape.type instanceof z.ZodLiteral ? [...shape.type.values] : [...shape.type.options],
);

// ── Frames from the room ─────────────────────────────────────────────────────

/** The frames of the room: those of its turns, and its own. Every frame also has `seq`. */
export const RoomFrame = z.discriminatedUnion("type", [
  ...TurnFrame.options,
  z
    .object({ type: z.literal("messages.removed"), from_message_id: z.int() })
    .meta({ description: "This message and all later ones were deleted" }),
  z
    .object({ type: z.literal("conversation.updated"), title: z.string(), pinned_facts: z.array(z.string()) })
    .meta({ description: "The title or the pinned facts changed" }),
  z
    .object({
      type: z.literal("message.updated"),
      message_id: z.int(),
      feedback: z.object({ rating: z.enum(["up", "down"]), comment: z.string() }).nullable(),
      confirmed: z.enum(["task", "error"]).nullable(),
    })
    .meta({ description: "An answer was rated, or its task was confirmed" }),
]);
export type RoomFrame = z.output<typeof RoomFrame>;

import * as z from "zod";

/** The JSON frames between a user's hub and the user's devices. Every frame of the hub has `seq`. */

/** The maximum size of the preferences, in bytes of JSON. */
export const maxPreferenceBytes = 16 * 1024;

/** The number of a frame. A frame that is replayed keeps its number. */
const Seq = z.int().min(0);

export const NotificationShape = z.object({
  id: z.int(),
  kind: z.string(),
  title: z.string(),
  body: z.string(),
  link: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
  created_at: z.iso.datetime(),
  read_at: z.iso.datetime().nullable(),
});

const Preferences = z.record(z.string(), z.unknown());

const DeviceShape = z.object({
  device: z.string().meta({ description: "`session:12`, or `key:3` for a program" }),
  label: z.string(),
  since: z.iso.datetime(),
});

/** The events. The hub stores them and replays them to a device that reconnects with `after`. */
export const EventFrame = z.discriminatedUnion("type", [
  z.object({ type: z.literal("notification"), notification: NotificationShape }).meta({ description: "A new notification" }),
  z
    .object({
      type: z.literal("notifications_read"),
      ids: z.array(z.int()).nullable().meta({ description: "null: all up to `up_to`" }),
      up_to: z.int().nullable(),
      read_at: z.iso.datetime(),
    })
    .meta({ description: "Notifications were marked as read" }),
  z
    .object({ type: z.literal("preferences_changed"), preferences: Preferences, version: z.int() })
    .meta({ description: "The preferences changed" }),
  z
    .object({
      type: z.literal("memory_changed"),
      minion_id: z.int(),
      fact_id: z.int().nullable().meta({ description: "null: all facts, or whether the memory is on" }),
    })
    .meta({ description: "A fact of a minion's memory was stored, edited or deleted, or the memory was turned on or off" }),
  z.object({ type: z.literal("session_revoked"), device: z.string() }).meta({ description: "A device was signed out" }),
]);
export type EventFrame = z.output<typeof EventFrame>;

const Numbered = z.object({ seq: Seq });

/** All frames that the hub sends. */
export const ServerFrame = z.union([
  EventFrame.and(Numbered),
  Numbered.extend({
    type: z.literal("frames").meta({ description: "The frames that the client missed, from `from_seq` to `seq`" }),
    from_seq: Seq,
    frames: z.array(EventFrame.and(Numbered)),
  }),
  Numbered.extend({
    type: z.literal("snapshot").meta({ description: "The state at `seq`, if the missed frames are no longer kept" }),
    notifications: z.array(NotificationShape).optional(),
    unread: z.int().optional(),
    preferences: Preferences.optional(),
    version: z.int().optional(),
    unavailable: z.literal(true).optional().meta({ description: "the database is unavailable: read the API later" }),
  }),
  Numbered.extend({
    type: z.literal("presence").meta({ description: "The devices that are connected. This frame is not stored" }),
    devices: z.array(DeviceShape),
  }),
  Numbered.extend({
    type: z.literal("error").meta({ description: "The last message was malformed or has an unknown type" }),
    code: z.enum(["malformed_frame", "unknown_frame"]),
    detail: z.string(),
    errors: z.array(z.object({ path: z.string(), in: z.literal("body"), message: z.string() })),
  }),
]);
export type ServerFrame = z.output<typeof ServerFrame>;

/** All frames that a device sends. It acknowledges after at most 64 frames or 64 KiB. (The hub answers `ping` with `pong`.) */
export const ClientFrame = z.object({
  type: z.literal("ack").meta({ description: "The client has received all frames up to `seq`" }),
  seq: Seq,
});

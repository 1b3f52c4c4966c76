import * as z from "zod";
import { Id, Timestamp, NextCursor, ok, PageQuery, TotalCount, JsonValue } from "../kit/http/zod-schemas.ts";
import { maxPreferenceBytes, NotificationShape } from "./protocol.ts";

export const NotificationsQuery = z.object({
  ...PageQuery,
  unread: z
    .stringbool({ truthy: ["true"], falsy: ["false"] })
    .optional()
    .meta({ description: "`true`: only unread notifications; `false`: only read ones" }),
});

const NotificationReplyShape = NotificationShape.extend({ created_at: Timestamp, read_at: Timestamp.nullable() }).meta({
  id: "Notification",
  examples: [
    {
      id: 31,
      kind: "level_up",
      title: "Ada reached level 6",
      body: "Ada is Skilled now.",
      link: "/minions/5",
      data: { minion_id: 5, level: 6 },
      created_at: new Date("2026-11-23T10:00:00Z"),
      read_at: null,
    },
  ],
});

const Unread = z.int().min(0).meta({ description: "Number of unread notifications" });

export const NotificationList = z.object({
  ...ok,
  notifications: z.array(NotificationReplyShape),
  total: TotalCount,
  unread: Unread,
  next_cursor: NextCursor,
});
export const NotificationReply = z.object({ ...ok, notification: NotificationReplyShape });

export const ReadAllBody = z.object({
  up_to: Id.optional().meta({ description: "ID of the last notification to mark; later ones stay unread. Default: all" }),
});
export const ReadAllReply = z.object({ ...ok, message: z.string(), read: z.int().min(0) });

const bytesOf = (document: unknown) => new TextEncoder().encode(JSON.stringify(document)).length;

export const PreferencesBody = z.object({
  preferences: z
    .record(z.string(), JsonValue)
    .refine((document) => bytesOf(document) <= maxPreferenceBytes, `may have at most ${maxPreferenceBytes} bytes of JSON`)
    .meta({ description: "Any JSON object; its meaning is up to your clients", example: { theme: "dark" } }),
});

export const PreferencesReply = z.object({
  ...ok,
  preferences: z.record(z.string(), z.unknown()),
  version: z.int().min(0).meta({ description: "Number of writes. Send it as `If-Match` when you write" }),
});

export const TicketBody = z.object({
  resource: z
    .string()
    .regex(/^(me|conversation:[\w-]{1,64}|training-job:\d{1,10})$/, 'must be "me", "conversation:<id>" or "training-job:<id>"')
    .meta({ description: "The resource of the WebSocket", example: "me" }),
});

export const TicketReply = z.object({
  ...ok,
  ticket: z.string().meta({ description: "Opens one socket within 60 seconds" }),
  expires_at: Timestamp,
});

export const SocketQuery = z.object({
  ticket: z.string().min(1).max(2_000).meta({ description: "From POST /socket-tickets" }),
  after: z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number")
    .transform(Number)
    .optional()
    .meta({ description: "The last `seq` that the client received. Later frames are sent again" }),
});

import { Hono } from "hono";
import * as z from "zod";
import { isTrustedOrigin } from "../auth/cookies.ts";
import { requirePermission } from "../auth/middleware.ts";
import { requireUserId } from "../auth/current-user.ts";
import { authErrors } from "../auth/errors.ts";
import { route, type AppEnv } from "../http/route.ts";
import { AppError } from "../kit/errors.ts";
import { IdParam } from "../kit/http/zod-schemas.ts";
import { requireUpgrade } from "../kit/socket/upgrade.ts";
import { openHubSocket } from "./hub-client.ts";
import { getPreferences, putPreferences } from "./preferences.ts";
import * as s from "./schemas.ts";
import { listNotifications, markAllRead, markRead } from "./service.ts";
import { issueSocketTicket, readSocketTicket } from "./tickets.ts";

const ok = { success: true as const };
const outage = ["database_unavailable"] as const;

// ── /api/v2/notifications ────────────────────────────────────────────────────

export const notifications = new Hono<AppEnv>();

notifications.get(
  "/",
  route(
    {
      id: "listNotifications",
      summary: "List your notifications, newest first",
      tag: "Notifications",
      access: requirePermission("account.read"),
      query: s.NotificationsQuery,
      reply: s.NotificationList,
      errors: outage,
    },
    async ({ ctx, query }) => ({ ...ok, ...(await listNotifications(ctx, requireUserId(ctx), query)) }),
  ),
);

notifications.post(
  "/read-all",
  route(
    {
      id: "readAllNotifications",
      summary: "Mark all notifications as read",
      tag: "Notifications",
      access: requirePermission("account.write"),
      body: s.ReadAllBody,
      reply: s.ReadAllReply,
      errors: outage,
    },
    async ({ ctx, body }) => {
      const read = await markAllRead(ctx, requireUserId(ctx), body.up_to);
      return { ...ok, message: "The notifications are marked as read.", read };
    },
  ),
);

notifications.post(
  "/:id/read",
  route(
    {
      id: "readNotification",
      summary: "Mark a notification as read",
      tag: "Notifications",
      access: requirePermission("account.write"),
      params: IdParam,
      reply: s.NotificationReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => ({ ...ok, notification: await markRead(ctx, requireUserId(ctx), params.id) }),
  ),
);

// ── /api/v2/socket-tickets ───────────────────────────────────────────────────

export const socketTickets = new Hono<AppEnv>();

socketTickets.post(
  "/",
  route(
    {
      id: "createSocketTicket",
      summary: "Create a ticket for a WebSocket",
      description:
        "Browsers cannot send headers with a WebSocket, so the client sends a ticket in the query. A ticket opens one socket and expires after 60 seconds.",
      tag: "Sockets",
      access: requirePermission("account.read"),
      body: s.TicketBody,
      reply: s.TicketReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, body }) => ({ ...ok, ...(await issueSocketTicket(ctx, body.resource)) }),
  ),
);

// ── /api/v2/me ───────────────────────────────────────────────────────────────

export const myHub = new Hono<AppEnv>();

myHub.get(
  "/socket",
  route(
    {
      id: "openMySocket",
      summary: "Open the WebSocket of your notifications",
      description:
        'Frames are JSON with `type` and `seq`: `notification`, `notifications_read`, `preferences_changed`, `session_revoked`, `presence`. Reconnect with `after=<seq>` within 15 minutes to receive the missed frames in one `frames` message, or a `snapshot` if they are no longer stored. Send `{"type":"ack","seq":…}` after at most 64 frames or 64 KiB.',
      tag: "Sockets",
      query: s.SocketQuery,
      reply: z.null(),
      status: 101,
      errors: ["unauthenticated", authErrors.cross_site, "upgrade_required", "rate_limited", "realtime_unavailable"],
    },
    async ({ ctx, c, query }) => {
      if (!isTrustedOrigin(c.req.raw, ctx.env.CORS_ORIGINS, true)) {
        throw new AppError(authErrors.cross_site, "Pages of other sites cannot open this socket.");
      }
      const claims = await readSocketTicket(ctx, query.ticket, "me");
      requireUpgrade(c.req.raw);
      return openHubSocket(ctx, { claims, after: query.after });
    },
  ),
);

myHub.get(
  "/preferences",
  route(
    {
      id: "getPreferences",
      summary: "Get your preferences",
      tag: "Me",
      access: requirePermission("account.read"),
      reply: s.PreferencesReply,
      errors: outage,
    },
    async ({ ctx, c }) => {
      const preferences = await getPreferences(ctx, requireUserId(ctx));
      c.header("etag", `"${preferences.version}"`);
      return { ...ok, ...preferences };
    },
  ),
);

myHub.put(
  "/preferences",
  route(
    {
      id: "putPreferences",
      summary: "Replace your preferences and notify your other devices",
      tag: "Me",
      access: requirePermission("account.write"),
      ifMatch: true,
      body: s.PreferencesBody,
      reply: s.PreferencesReply,
      errors: outage,
    },
    async ({ ctx, c, body, expectedVersion }) => {
      const preferences = await putPreferences(ctx, requireUserId(ctx), body.preferences, expectedVersion);
      c.header("etag", `"${preferences.version}"`);
      return { ...ok, ...preferences };
    },
  ),
);

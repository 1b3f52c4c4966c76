import { Hono } from "hono";
import { route, type AppEnv } from "../../http/route.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { requirePermission } from "../middleware.ts";
import * as s from "../schemas.ts";
import { requireSession, requireUserId } from "../current-user.ts";
import { listSessions, revokeOtherSessions, revokeSession } from "./service.ts";

const ok = { success: true as const };
const outage = ["database_unavailable"] as const;

/** At /api/v2/sessions. */
export const sessions = new Hono<AppEnv>();

sessions.get(
  "/",
  route(
    {
      id: "listSessions",
      summary: "List your sessions, last used first",
      tag: "Sessions",
      access: requirePermission("account.read"),
      reply: s.SessionList,
      errors: outage,
    },
    async ({ ctx }) => {
      const current = ctx.actor.kind === "user" ? ctx.actor.sessionId : undefined;
      const list = await listSessions(ctx, requireUserId(ctx), current);
      return { ...ok, sessions: list, total: list.length };
    },
  ),
);

sessions.delete(
  "/",
  route(
    {
      id: "revokeOtherSessions",
      summary: "Revoke all of your other sessions",
      tag: "Sessions",
      access: requirePermission("account.write", { sensitive: true }),
      reply: s.RevokedReply,
      errors: outage,
    },
    async ({ ctx }) => {
      const { userId, sessionId } = requireSession(ctx);
      return {
        ...ok,
        message: "Your other sessions are revoked.",
        revoked: await revokeOtherSessions(ctx, userId, sessionId),
      };
    },
  ),
);

sessions.delete(
  "/:id",
  route(
    {
      id: "revokeSession",
      summary: "Revoke one of your sessions",
      tag: "Sessions",
      access: requirePermission("account.write", { sensitive: true }),
      params: IdParam,
      reply: s.RevokedReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      await revokeSession(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "The session is revoked.", revoked: 1 };
    },
  ),
);

import { Hono } from "hono";
import { route, type AppEnv } from "../../http/route.ts";
import { changeProfile } from "./service.ts";
import { requirePermission } from "../middleware.ts";
import * as s from "../schemas.ts";
import { requireUserId } from "../current-user.ts";
import { getUser } from "./users.ts";

const ok = { success: true as const };
const outage = ["database_unavailable"] as const;

/** At /api/v2/me. */
export const me = new Hono<AppEnv>();

me.get(
  "/",
  route(
    {
      id: "getMe",
      summary: "Get the current user",
      tag: "Me",
      access: requirePermission("account.read"),
      reply: s.UserReply,
      errors: outage,
    },
    async ({ ctx }) => ({ ...ok, user: await getUser(ctx, requireUserId(ctx)) }),
  ),
);

me.patch(
  "/",
  route(
    {
      id: "updateMe",
      summary: "Update your profile",
      tag: "Me",
      access: requirePermission("account.write"),
      body: s.ProfileBody,
      reply: s.UserReply,
      errors: outage,
    },
    async ({ ctx, body }) => ({ ...ok, user: await changeProfile(ctx, requireUserId(ctx), body) }),
  ),
);

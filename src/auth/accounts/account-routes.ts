import { Hono } from "hono";
import { route, type AppEnv } from "../../http/route.ts";
import { changeProfile } from "./service.ts";
import { allow } from "../middleware.ts";
import * as s from "../schemas.ts";
import { userIdOf } from "../current-user.ts";
import { getUser } from "./users.ts";

const ok = { success: true as const };
const outage = ["database_unavailable"] as const;

/** At /api/v2/me. */
export const me = new Hono<AppEnv>();

me.get(
  "/",
  route(
    { id: "getMe", summary: "Get yourself", tag: "Me", access: allow("account.read"), reply: s.UserReply, fails: outage },
    async ({ ctx }) => ({ ...ok, user: await getUser(ctx, userIdOf(ctx)) }),
  ),
);

me.patch(
  "/",
  route(
    {
      id: "updateMe",
      summary: "Change what you say of yourself",
      tag: "Me",
      access: allow("account.write"),
      body: s.ProfileBody,
      reply: s.UserReply,
      fails: outage,
    },
    async ({ ctx, body }) => ({ ...ok, user: await changeProfile(ctx, userIdOf(ctx), body) }),
  ),
);

import { Hono } from "hono";
import { route, type AppEnv } from "../../http/route.ts";
import { changeProfile } from "./service.ts";
import { createApiKey, getApiKey, listApiKeys, revokeApiKey } from "../keys/service.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { allow } from "../middleware.ts";
import * as s from "../schemas.ts";
import { sessionOf, userIdOf } from "../current-user.ts";
import { listSessions, revokeOtherSessions, revokeSession } from "../sessions/service.ts";
import { getUser } from "./users.ts";

const ok = { success: true as const };
const outage = ["database_unavailable"] as const;

// ── /api/v2/me ───────────────────────────────────────────────────────────────

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

// ── /api/v2/sessions ─────────────────────────────────────────────────────────

export const sessions = new Hono<AppEnv>();

sessions.get(
  "/",
  route(
    {
      id: "listSessions",
      summary: "List the devices that are signed in, the last seen first",
      tag: "Sessions",
      access: allow("account.read"),
      reply: s.SessionList,
      fails: outage,
    },
    async ({ ctx }) => {
      const current = ctx.actor.kind === "user" ? ctx.actor.sessionId : undefined;
      const list = await listSessions(ctx, userIdOf(ctx), current);
      return { ...ok, sessions: list, total: list.length };
    },
  ),
);

sessions.delete(
  "/",
  route(
    {
      id: "revokeOtherSessions",
      summary: "Sign every other device out",
      tag: "Sessions",
      access: allow("account.write", { sensitive: true }),
      reply: s.RevokedReply,
      fails: outage,
    },
    async ({ ctx }) => {
      const { userId, sessionId } = sessionOf(ctx);
      return {
        ...ok,
        message: "Your other devices are signed out.",
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
      summary: "Sign one device out",
      tag: "Sessions",
      access: allow("account.write", { sensitive: true }),
      params: IdParam,
      reply: s.RevokedReply,
      fails: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      await revokeSession(ctx, userIdOf(ctx), params.id);
      return { ...ok, message: "The device is signed out.", revoked: 1 };
    },
  ),
);

// ── /api/v2/api-keys ─────────────────────────────────────────────────────────

export const apiKeys = new Hono<AppEnv>();

apiKeys.get(
  "/",
  route(
    {
      id: "listApiKeys",
      summary: "List your API keys, the newest first",
      tag: "API keys",
      access: allow("account.read", { sensitive: true }),
      reply: s.ApiKeyList,
      fails: outage,
    },
    async ({ ctx }) => {
      const list = await listApiKeys(ctx, userIdOf(ctx));
      return { ...ok, api_keys: list, total: list.length };
    },
  ),
);

apiKeys.post(
  "/",
  route(
    {
      id: "createApiKey",
      summary: "Make an API key; it is shown this once",
      replay: async ({ ctx, made }) => ({ ...ok, api_key: await getApiKey(ctx, userIdOf(ctx), Number(made)), key: null }),
      tag: "API keys",
      access: allow("account.write", { sensitive: true }),
      body: s.NewApiKeyBody,
      reply: s.ApiKeyCreated,
      status: 201,
      fails: outage,
    },
    async ({ ctx, body }) => {
      const held = "permissions" in ctx.actor ? ctx.actor.permissions : [];
      return { ...ok, ...(await createApiKey(ctx, userIdOf(ctx), held, body)) };
    },
  ),
);

apiKeys.delete(
  "/:id",
  route(
    {
      id: "revokeApiKey",
      summary: "Revoke an API key",
      tag: "API keys",
      access: allow("account.write", { sensitive: true }),
      params: IdParam,
      reply: s.Done,
      fails: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      await revokeApiKey(ctx, userIdOf(ctx), params.id);
      return { ...ok, message: "The key is revoked." };
    },
  ),
);

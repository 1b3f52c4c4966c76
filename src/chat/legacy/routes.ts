import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requirePathUser, requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { limited } from "../../limits/middleware.ts";
import { agentErrors } from "../../agent/errors.ts";
import { allowanceErrors, providerErrors } from "../../models/errors.ts";
import { sendAndWait } from "./service.ts";
import { UserMinionParams } from "../../minions/schemas.ts";
import { ExternalChat, ExternalChatReply, MinionChat } from "./schemas.ts";

const chatErrors = [
  "not_found",
  "conflict",
  agentErrors.context_exceeded,
  agentErrors.content_filtered,
  agentErrors.too_many_steps,
  ...Object.values(providerErrors),
  allowanceErrors.allowance_exhausted,
  allowanceErrors.allowance_unavailable,
  "realtime_unavailable",
  "database_unavailable",
] as const;

/** At /api/v2/external-models. */
export const externalChat = new Hono<AppEnv>();

externalChat.post(
  "/chat",
  route(
    {
      id: "chatExternal",
      summary: "Send a message to a minion and get the whole answer",
      description: "A conversation runs one turn at a time. Provider errors return 502; the conversation stays usable.",
      tag: "Messages",
      access: requirePermission("chat.use"),
      limit: limited("expensive"),
      unknownKeys: "ignoreTopLevel",
      body: ExternalChat,
      reply: ExternalChatReply,
      errors: chatErrors,
    },
    ({ ctx, body }) => sendAndWait(ctx, requireUserId(ctx), body),
  ),
);

/** At /api/v2/users: a path of the previous server. */
export const userMinionChat = new Hono<AppEnv>();

userMinionChat.post(
  "/:user_id/minions/:id/chat",
  route(
    {
      id: "chatWithMinionOfUser",
      summary: "Send a message to a minion and get the whole answer",
      description: "Use `POST /external-models/chat` instead.",
      tag: "Aliases",
      access: requirePermission("chat.use"),
      limit: limited("expensive"),
      params: UserMinionParams,
      unknownKeys: "ignoreTopLevel",
      body: MinionChat,
      reply: ExternalChatReply,
      errors: chatErrors,
    },
    ({ ctx, params, body }) => sendAndWait(ctx, requirePathUser(ctx, params.user_id), { ...body, model_id: params.id }),
  ),
);

import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { limited } from "../../limits/middleware.ts";
import { agentErrors } from "../../agent/errors.ts";
import { allowanceErrors, providerErrors } from "../../models/errors.ts";
import { sendAndWait } from "./service.ts";
import { ExternalChat, ExternalChatReply } from "./schemas.ts";

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
      errors: [
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
      ],
    },
    ({ ctx, body }) => sendAndWait(ctx, requireUserId(ctx), body),
  ),
);

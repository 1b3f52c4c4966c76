import { Hono } from "hono";
import * as z from "zod";
import { isTrustedOrigin } from "../../auth/cookies.ts";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { authErrors } from "../../auth/errors.ts";
import type { Ctx } from "../../context.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { downloadHeaders } from "../../kit/http/content-disposition.ts";
import { AppError } from "../../kit/errors.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { readSocketTicket } from "../../notifications/tickets.ts";
import { requireUpgrade } from "../../kit/socket/upgrade.ts";
import { SocketQuery } from "../../notifications/schemas.ts";
import { withActivities, withActivity } from "./activity.ts";
import { exportConversation } from "./export.ts";
import { openRoomSocket } from "../room/client.ts";
import { getConversation } from "../queries.ts";
import * as s from "../schemas.ts";
import { changeConversation, createConversation, deleteConversation, listConversations } from "./service.ts";

const ok = { success: true as const };
const tag = "Conversations";
const access = requirePermission("chat.use");
const outage = ["database_unavailable"] as const;

/** At /api/v2/minions. */
export const minionConversations = new Hono<AppEnv>();

minionConversations.post(
  "/:id/conversations",
  route(
    {
      id: "createConversation",
      summary: "Create a conversation with a minion",
      tag,
      access,
      params: IdParam,
      body: s.NewConversation,
      replayResponse: async ({ ctx, resultId }) => ({
        ...ok,
        conversation: await readConversation(ctx, requireUserId(ctx), Number(resultId)),
      }),
      reply: s.ConversationReply,
      status: 201,
      errors: ["not_found", "conflict", ...outage],
    },
    async ({ ctx, params, body }) => ({
      ...ok,
      conversation: { ...(await createConversation(ctx, requireUserId(ctx), params.id, body)), is_answering: false },
    }),
  ),
);

/** A conversation of a user, as its room has it. @throws not_found */
async function readConversation(ctx: Ctx, userId: number, id: number) {
  return withActivity(ctx, userId, await getConversation(ctx, userId, id));
}

/** At /api/v2/conversations. */
export const conversations = new Hono<AppEnv>();

conversations.get(
  "/",
  route(
    {
      id: "listConversations",
      summary: "List or search your conversations",
      description: "Sorted by last activity, newest first.",
      tag,
      access,
      query: s.ConversationsQuery,
      reply: s.ConversationList,
      errors: outage,
    },
    async ({ ctx, query }) => {
      const userId = requireUserId(ctx);
      const { conversations: rows, ...page } = await listConversations(ctx, userId, query);
      return { ...ok, conversations: await withActivities(ctx, userId, rows), ...page };
    },
  ),
);

conversations.get(
  "/:id",
  route(
    {
      id: "getConversation",
      summary: "Get a conversation",
      tag,
      access,
      params: IdParam,
      reply: s.ConversationReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, c, params }) => {
      const conversation = await readConversation(ctx, requireUserId(ctx), params.id);
      c.header("etag", `"${conversation.version}"`);
      return { ...ok, conversation };
    },
  ),
);

conversations.patch(
  "/:id",
  route(
    {
      id: "updateConversation",
      summary: "Update the title or the pinned facts of a conversation",
      tag,
      access,
      ifMatch: true,
      params: IdParam,
      body: s.ConversationChange,
      reply: s.ConversationReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, c, params, body, expectedVersion }) => {
      const userId = requireUserId(ctx);
      const edited = await changeConversation(ctx, userId, params.id, body, expectedVersion);
      const conversation = await withActivity(ctx, userId, edited);
      c.header("etag", `"${conversation.version}"`);
      return { ...ok, conversation };
    },
  ),
);

conversations.delete(
  "/:id",
  route(
    {
      id: "deleteConversation",
      summary: "Delete a conversation with its messages and files",
      tag,
      access,
      params: IdParam,
      reply: s.ConversationDone,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      await deleteConversation(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "Conversation deleted." };
    },
  ),
);

conversations.get(
  "/:id/export",
  route(
    {
      id: "exportConversation",
      summary: "Export a conversation as a file",
      tag,
      access,
      params: IdParam,
      query: s.ExportQuery,
      reply: z.looseObject({
        conversation: s.Conversation,
        messages: z.array(s.ChatMessage),
      }),
      fileTypes: ["text/markdown"],
      errors: ["not_found", "realtime_unavailable", ...outage],
    },
    async ({ ctx, params, query }) => {
      const { name, type, body } = await exportConversation(ctx, requireUserId(ctx), params.id, query.format);
      return new Response(body, { headers: downloadHeaders(name, type) });
    },
  ),
);

conversations.get(
  "/:conversation_id/socket",
  route(
    {
      id: "openConversationSocket",
      summary: "Open the conversation's WebSocket",
      description:
        "Requires a ticket for `conversation:<id>`. Frames are JSON objects with `type`; frames that can be replayed have `seq`. " +
        "Reconnect with `after=<seq>` to receive missed frames in one `frames` message. " +
        'Send `{"type":"ack","seq":…}` after at most 64 frames.',
      tag: "Sockets",
      params: s.SocketParams,
      query: SocketQuery,
      reply: z.null(),
      status: 101,
      errors: ["unauthenticated", authErrors.cross_site, "not_found", "upgrade_required", "realtime_unavailable"],
    },
    async ({ ctx, c, params, query }) => {
      if (!isTrustedOrigin(c.req.raw, ctx.env.CORS_ORIGINS, true)) {
        throw new AppError(
          authErrors.cross_site,
          "Pages of other sites cannot open this socket. The origin must be in CORS_ORIGINS.",
        );
      }
      const claims = await readSocketTicket(ctx, query.ticket, `conversation:${params.conversation_id}`);
      requireUpgrade(c.req.raw);
      return openRoomSocket(ctx, params.conversation_id, { claims, after: query.after });
    },
  ),
);

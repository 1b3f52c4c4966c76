import { Hono } from "hono";
import * as z from "zod";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import type { Ctx } from "../../context.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { downloadHeaders } from "../../kit/http/content-disposition.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { limited } from "../../limits/middleware.ts";
import { eventsDescription } from "../streaming/sse-events.ts";
import { maxAttachmentBytes, openAttachment, putAttachment } from "./attachments.ts";
import { withActivity } from "./activity.ts";
import { forkConversation, recallFork } from "./fork.ts";
import { imageTypes } from "../../agent/constants.ts";
import type { Message } from "../../agent/types.ts";
import { answerTimeoutMs, callerOf, callRoom, type StartedTurn } from "../room/client.ts";
import * as s from "../schemas.ts";
import { streamAnswer, wantsEvents } from "../streaming/stream-answer.ts";

const ok = { success: true as const };
const tag = "Messages";
const access = requirePermission("chat.use");
const attachmentTypes = [...imageTypes, "text/plain"];
const limit = limited("expensive");
const outage = ["not_found", "realtime_unavailable"] as const;

type AnswerReply = { success: true; message: Message } | Response;

/**
 * Responds with the answer of a turn: as a stream, or as JSON when it is finished. The turn continues if the client disconnects.
 * @throws realtime_unavailable
 */
async function respondWithAnswer(
  ctx: Ctx,
  request: Request,
  conversationId: number,
  started: StartedTurn,
): Promise<AnswerReply> {
  if (wantsEvents(request)) return streamAnswer(ctx, conversationId, started);
  const { answer } = started;
  if (answer.status !== "streaming") return { ...ok, message: answer };
  const wait = callRoom(ctx, conversationId, (room) => room.answer(callerOf(ctx), answer.id), answerTimeoutMs);
  return { ...ok, message: await wait };
}

/** Only a client that streams sees that a fact waits for its approval. */
const memoryUse = (request: Request) => ({ memory: wantsEvents(request) ? ("propose" as const) : ("read" as const) });

const replyDescription =
  "Returns when the answer is finished. See `status` for the outcome and `error` for the reason of a failure.";

/** At /api/v2/conversations. */
export const conversationMessages = new Hono<AppEnv>();

conversationMessages.get(
  "/:id/messages",
  route(
    {
      id: "listMessages",
      summary: "List the messages of a conversation",
      description: "The first page has the newest messages. Within a page, the oldest message comes first.",
      tag,
      access,
      params: IdParam,
      query: s.MessagesQuery,
      reply: s.MessageList,
      errors: outage,
    },
    async ({ ctx, params, query }) => {
      const pageOptions = { limit: query.limit + 1, ...(query.cursor === undefined ? {} : { before: query.cursor }) };
      const { messages, total } = await callRoom(ctx, params.id, (room) => room.list(callerOf(ctx), pageOptions));
      const page = messages.slice(-query.limit);
      const next = messages.length > query.limit ? { next_cursor: String(page[0]!.id) } : {};
      return { ...ok, messages: page, total, ...next };
    },
  ),
);

conversationMessages.post(
  "/:id/messages",
  route(
    {
      id: "sendMessage",
      summary: "Send a message and get the answer",
      description: replyDescription,
      sseDescription: eventsDescription,
      tag,
      access,
      limit,
      params: IdParam,
      body: s.NewMessage,
      reply: s.MessageReply,
      errors: ["conflict", ...outage],
    },
    async ({ ctx, c, params, body }) => {
      const input = { ...body, ...memoryUse(c.req.raw), client_id: body.client_id ?? crypto.randomUUID() };
      return respondWithAnswer(
        ctx,
        c.req.raw,
        params.id,
        await callRoom(ctx, params.id, (room) => room.send(callerOf(ctx), input)),
      );
    },
  ),
);

conversationMessages.get(
  "/:id/messages/:message_id",
  route(
    {
      id: "getMessage",
      summary: "Get a message",
      tag,
      access,
      params: s.MessageParams,
      reply: s.MessageReply,
      errors: outage,
    },
    async ({ ctx, params }) => ({
      ...ok,
      message: await callRoom(ctx, params.id, (room) => room.read(callerOf(ctx), params.message_id)),
    }),
  ),
);

conversationMessages.post(
  "/:id/stop",
  route(
    {
      id: "stopTurn",
      summary: "Stop the running answer and keep the text so far",
      tag,
      access,
      params: IdParam,
      reply: s.StopReply,
      errors: outage,
    },
    async ({ ctx, params }) => ({ ...ok, ...(await callRoom(ctx, params.id, (room) => room.stop(callerOf(ctx)))) }),
  ),
);

conversationMessages.post(
  "/:id/approvals",
  route(
    {
      id: "approveToolCall",
      summary: "Approve or deny a pending tool call",
      tag,
      access,
      params: IdParam,
      body: s.Approval,
      reply: s.ApprovalReply,
      errors: outage,
    },
    async ({ ctx, params, body: { call_id, is_approved } }) => {
      await callRoom(ctx, params.id, (room) => room.approve(callerOf(ctx), call_id, is_approved));
      return { ...ok, call_id, is_approved };
    },
  ),
);

conversationMessages.post(
  "/:id/regenerate",
  route(
    {
      id: "regenerateAnswer",
      summary: "Regenerate an answer, or continue an interrupted one",
      description:
        "Without a body, the last answer. For an earlier one, name its message: all messages after it are deleted. To send a message again " +
        `whose request failed, send its \`client_id\` and \`text\`: it is sent if it did not arrive. ${replyDescription}`,
      sseDescription: eventsDescription,
      tag,
      access,
      limit,
      params: IdParam,
      body: s.Regeneration,
      optionalBody: true,
      reply: s.MessageReply,
      errors: ["conflict", ...outage],
    },
    async ({ ctx, c, params, body }) => {
      const regenerated = callRoom(ctx, params.id, (room) => room.regenerate(callerOf(ctx), body, memoryUse(c.req.raw)));
      return respondWithAnswer(ctx, c.req.raw, params.id, await regenerated);
    },
  ),
);

conversationMessages.post(
  "/:id/messages/:message_id/edit",
  route(
    {
      id: "editMessage",
      summary: "Edit a message; all later messages are deleted and a new answer is generated",
      description: replyDescription,
      sseDescription: eventsDescription,
      tag,
      access,
      limit,
      params: s.MessageReferenceParams,
      body: s.EditedMessage,
      reply: s.MessageReply,
      errors: ["conflict", ...outage],
    },
    async ({ ctx, c, params, body }) => {
      const edited = { ...body, ...memoryUse(c.req.raw) };
      const edit = callRoom(ctx, params.id, (room) => room.edit(callerOf(ctx), params.message_id, edited));
      return respondWithAnswer(ctx, c.req.raw, params.id, await edit);
    },
  ),
);

const forkPoint = ({ id, message_id }: z.output<typeof s.MessageParams>) => ({ conversationId: id, messageId: message_id });

conversationMessages.post(
  "/:id/messages/:message_id/fork",
  route(
    {
      id: "forkConversation",
      summary: "Fork the conversation at a message",
      tag,
      access,
      params: s.MessageParams,
      replayResponse: async ({ ctx, params, resultId }) => ({
        ...ok,
        conversation: await withActivity(
          ctx,
          requireUserId(ctx),
          await recallFork(ctx, requireUserId(ctx), forkPoint(params), Number(resultId)),
        ),
      }),
      reply: s.ConversationReply,
      status: 201,
      errors: ["conflict", "database_unavailable", ...outage],
    },
    async ({ ctx, params }) => ({
      ...ok,
      conversation: { ...(await forkConversation(ctx, requireUserId(ctx), forkPoint(params))), is_answering: false },
    }),
  ),
);

conversationMessages.post(
  "/:id/messages/:message_id/confirm",
  route(
    {
      id: "confirmMessage",
      summary: "Confirm that an answer completed a task or fixed an error",
      description: "The minion and its spirits gain experience, once per message.",
      tag,
      access,
      params: s.MessageParams,
      body: s.ConfirmBody,
      reply: s.MessageReply,
      errors: ["conflict", ...outage],
    },
    async ({ ctx, params, body }) => ({
      ...ok,
      message: await callRoom(ctx, params.id, (room) => room.confirm(callerOf(ctx), params.message_id, body.kind)),
    }),
  ),
);

conversationMessages.post(
  "/:id/messages/:message_id/feedback",
  route(
    {
      id: "rateMessage",
      summary: "Rate an answer",
      tag,
      access,
      params: s.MessageParams,
      body: s.Feedback,
      reply: s.MessageReply,
      errors: ["conflict", ...outage],
    },
    async ({ ctx, params, body }) => ({
      ...ok,
      message: await callRoom(ctx, params.id, (room) => room.rate(callerOf(ctx), params.message_id, body)),
    }),
  ),
);

conversationMessages.post(
  "/:id/attachments",
  route(
    {
      id: "attachFile",
      summary: "Upload a file of up to 5 MiB for your next message",
      description:
        "PNG, JPEG, WebP, GIF, or UTF-8 text. The type is detected from the content. Send the file's ID in `attachment_ids` of a message.",
      tag,
      access,
      params: IdParam,
      upload: { field: "file", maxBytes: maxAttachmentBytes, types: attachmentTypes },
      reply: s.AttachmentReply,
      errors: ["conflict", "files_unavailable", "database_unavailable", ...outage],
    },
    async ({ ctx, params, file, fileName }) => {
      const attachment = await putAttachment(ctx, requireUserId(ctx), params.id, { bytes: file, name: fileName });
      const { id, name, media_type, size } = attachment;
      return { ...ok, attachment: { id, name, media_type, size } };
    },
  ),
);

conversationMessages.get(
  "/:id/attachments/:attachment_id",
  route(
    {
      id: "getAttachment",
      summary: "Download an attached file",
      tag,
      access,
      params: s.AttachmentParams,
      reply: z.string().meta({ format: "binary" }),
      fileTypes: attachmentTypes,
      errors: ["not_found", "files_unavailable"],
    },
    async ({ ctx, params }) => {
      const location = { conversationId: params.id, id: params.attachment_id };
      const { name, object } = await openAttachment(ctx, requireUserId(ctx), location);
      const type = object.httpMetadata?.contentType ?? "application/octet-stream";
      // An attachment never changes.
      const cached = { "cache-control": "private, max-age=31536000, immutable" };
      const headers = { ...downloadHeaders(name, type), ...cached, "content-length": String(object.size) };
      return new Response(object.body, { headers });
    },
  ),
);

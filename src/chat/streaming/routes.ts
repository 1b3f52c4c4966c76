import { Hono } from "hono";
import * as z from "zod";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { validationError } from "../../kit/errors.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { eventsDescription, readCursor, type StreamCursor } from "./sse-events.ts";
import { resumeAnswer } from "./stream-answer.ts";

const notCursor = "must be the `id` of an event or a `seq`";

const StreamQuery = z.object({
  after: z
    .string()
    .transform((text, context): StreamCursor => {
      const cursor = readCursor(text);
      if (cursor === undefined) context.addIssue(notCursor);
      return cursor ?? z.NEVER;
    })
    .optional()
    .meta({
      override: { type: "string" },
      description: "The last `id` or `seq` that you received. The header `Last-Event-ID` works too.",
    }),
});

/** At /api/v2/conversations. */
export const conversationStream = new Hono<AppEnv>();

conversationStream.get(
  "/:id/stream",
  route(
    {
      id: "streamAnswer",
      summary: "Stream the running answer, from the start or from a cursor",
      description: "204 if no answer is running. If the answer finished after your cursor, it is sent in full.",
      tag: "Messages",
      access: requirePermission("chat.use"),
      params: IdParam,
      query: StreamQuery,
      reply: z.null(),
      status: 204,
      sseDescription: eventsDescription,
      errors: ["not_found", "realtime_unavailable"],
    },
    async ({ ctx, c, params, query }) => {
      const cursor = query.after ?? cursorIn(c.req.header("last-event-id"));
      return (await resumeAnswer(ctx, requireUserId(ctx), params.id, cursor)) ?? new Response(null, { status: 204 });
    },
  ),
);

/** @throws validation_failed */
function cursorIn(lastEventId: string | undefined): StreamCursor | undefined {
  if (lastEventId === undefined || lastEventId === "") return undefined;
  const cursor = readCursor(lastEventId);
  if (cursor === undefined) throw validationError([{ path: "last-event-id", in: "header", message: notCursor }]);
  return cursor;
}

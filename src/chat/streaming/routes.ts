import { Hono } from "hono";
import * as z from "zod";
import { allow } from "../../auth/middleware.ts";
import { userIdOf } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { invalid } from "../../kit/errors.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { eventsDescription, readCursor, type Cursor } from "./sse-events.ts";
import { resumeAnswer } from "./stream-answer.ts";

const notCursor = "must be the `id` of an event, or a `seq`";

const StreamQuery = z.object({
  after: z
    .string()
    .transform((text, context): Cursor => {
      const cursor = readCursor(text);
      if (cursor === undefined) context.addIssue(notCursor);
      return cursor ?? z.NEVER;
    })
    .optional()
    .meta({ override: { type: "string" }, description: "The last `id` or `seq` that was received; so does `Last-Event-ID`" }),
});

/** At /api/v2/conversations. */
export const conversationStream = new Hono<AppEnv>();

conversationStream.get(
  "/:id/stream",
  route(
    {
      id: "streamAnswer",
      summary: "Listen to the answer that is being given, from its beginning or from where you were",
      description: "204 where none is being given. An answer that ended after where you were is told whole.",
      tag: "Messages",
      access: allow("chat.use"),
      params: IdParam,
      query: StreamQuery,
      reply: z.null(),
      status: 204,
      events: eventsDescription,
      fails: ["not_found", "realtime_unavailable"],
    },
    async ({ ctx, c, params, query }) => {
      const cursor = query.after ?? cursorIn(c.req.header("last-event-id"));
      return (await resumeAnswer(ctx, userIdOf(ctx), params.id, cursor)) ?? new Response(null, { status: 204 });
    },
  ),
);

/** @throws validation_failed */
function cursorIn(lastEventId: string | undefined): Cursor | undefined {
  if (lastEventId === undefined || lastEventId === "") return undefined;
  const cursor = readCursor(lastEventId);
  if (cursor === undefined) throw invalid([{ path: "last-event-id", in: "header", message: notCursor }]);
  return cursor;
}

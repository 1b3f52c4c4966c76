import type { Ctx } from "../../context.ts";
import { AppError, commonErrors, type CommonErrorCode } from "../../kit/errors.ts";
import { claimsFor } from "../../kit/socket/tickets.ts";
import { holderOf } from "../../notifications/tickets.ts";
import { eventStreamHeaders, streamEvents, wholeEvents, type Cursor } from "./sse-events.ts";
import type { Message } from "../../agent/types.ts";
import { askRoom, openRoomSocket, type Sent } from "../room/client.ts";
import { RoomLine, type Dial } from "./room-socket.ts";
import { AnswerStream, endPlace } from "./ui-message-stream.ts";

/** Whether a client wants to be told an answer while it is written. */
export function wantsEvents(request: Request): boolean {
  return /(^|[\s,])text\/event-stream\b/i.test(request.headers.get("accept") ?? "");
}

/**
 * Tells the answer to what was just sent, from its beginning, as the AI SDK's UI message stream.
 * @throws realtime_unavailable, and the room's refusals
 */
export function streamAnswer(ctx: Ctx, conversationId: number, { answer, seq }: Sent): Promise<Response> {
  return openAnswer(ctx, conversationId, { answer, after: seq });
}

/**
 * Tells the answer that is being written: from its beginning, or from where a client left it. An answer that ended since is told whole,
 * to a client that did not hear its end.
 * @returns undefined where there is nothing to tell
 * @throws not_found, realtime_unavailable
 */
export async function resumeAnswer(
  ctx: Ctx,
  userId: number,
  conversationId: number,
  cursor: Cursor | undefined,
): Promise<Response | undefined> {
  const { messages } = await askRoom(ctx, conversationId, (room) => room.list(userId, { limit: 1 }));
  const answer = messages.at(-1);
  const left = cursor?.place === endPlace ? undefined : cursor;
  if (answer?.role !== "assistant" || (answer.status !== "streaming" && left === undefined)) return undefined;
  return openAnswer(ctx, conversationId, { answer, after: left?.seq, place: left?.place });
}

type Opening = { answer: Message; after: number | undefined; place?: string | undefined };

async function openAnswer(ctx: Ctx, conversationId: number, { answer, after, place }: Opening): Promise<Response> {
  const stream = new AnswerStream(answer.id, place);
  if (answer.status !== "streaming") {
    return new Response(wholeEvents(stream, stream.show(answer), after ?? 0), { headers: eventStreamHeaders });
  }
  const line = await RoomLine.open(dialling(ctx, conversationId), after);
  return new Response(streamEvents(stream, line), { headers: eventStreamHeaders });
}

/** Opens sockets to a room as whoever asks, with claims of our own: it trusts what the Worker says. */
function dialling(ctx: Ctx, conversationId: number): Dial {
  return async (after) => {
    const claims = claimsFor(await holderOf(ctx, `conversation:${conversationId}`));
    const reply = await openRoomSocket(ctx, conversationId, { claims, after });
    if (!reply.webSocket) throw await refusalIn(reply);
    return reply.webSocket;
  };
}

/** What a room says in place of a socket. */
async function refusalIn(reply: Response): Promise<AppError> {
  const { code, detail } = await reply.json<{ code?: string; detail?: string }>();
  const known = code !== undefined && code in commonErrors ? (code as CommonErrorCode) : "realtime_unavailable";
  return new AppError(known, detail ?? "The conversation does not answer.");
}

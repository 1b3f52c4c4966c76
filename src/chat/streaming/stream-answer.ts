import type { Ctx } from "../../context.ts";
import { AppError, commonErrors, type CommonErrorCode } from "../../kit/errors.ts";
import { createClaims } from "../../kit/socket/tickets.ts";
import { currentTicketHolder } from "../../notifications/tickets.ts";
import { eventStreamHeaders, createSseStream, encodeCompleteAnswer, type StreamCursor } from "./sse-events.ts";
import type { Message } from "../../agent/types.ts";
import { callerOf, callRoom, openRoomSocket, type StartedTurn } from "../room/client.ts";
import { RoomSocketClient, type Connect } from "./room-socket.ts";
import { UiMessageStreamEncoder, endPosition } from "./ui-message-stream.ts";

/** Whether the client accepts an event stream. */
export function wantsEvents(request: Request): boolean {
  return /(^|[\s,])text\/event-stream\b/i.test(request.headers.get("accept") ?? "");
}

/**
 * Streams the answer of a turn that was just started, as the AI SDK's UI message stream.
 * @throws realtime_unavailable; the errors of the room
 */
export function streamAnswer(ctx: Ctx, conversationId: number, { answer, seq }: StartedTurn): Promise<Response> {
  return openAnswer(ctx, conversationId, { answer, after: seq });
}

/**
 * Streams the running answer from the start or from a cursor. If the answer finished after the cursor, it is sent in full.
 * @returns undefined if there is nothing to stream
 * @throws not_found, realtime_unavailable
 */
export async function resumeAnswer(
  ctx: Ctx,
  userId: number,
  conversationId: number,
  cursor: StreamCursor | undefined,
): Promise<Response | undefined> {
  const { messages } = await callRoom(ctx, conversationId, (room) => room.list(callerOf(ctx, userId), { limit: 1 }));
  const answer = messages.at(-1);
  const resumeFrom = cursor?.position === endPosition ? undefined : cursor;
  if (answer?.role !== "assistant" || (answer.status !== "streaming" && resumeFrom === undefined)) return undefined;
  return openAnswer(ctx, conversationId, { answer, after: resumeFrom?.seq, position: resumeFrom?.position });
}

type Opening = { answer: Message; after: number | undefined; position?: string | undefined };

async function openAnswer(ctx: Ctx, conversationId: number, { answer, after, position }: Opening): Promise<Response> {
  const stream = new UiMessageStreamEncoder(answer.id, position);
  if (answer.status !== "streaming") {
    return new Response(encodeCompleteAnswer(stream, stream.encodeWhole(answer), after ?? 0), { headers: eventStreamHeaders });
  }
  const source = await RoomSocketClient.open(roomConnector(ctx, conversationId), after);
  return new Response(createSseStream(stream, source, undefined, ctx.requestId), { headers: eventStreamHeaders });
}

/** Opens sockets to a room for the current user. The Worker creates the ticket claims itself; the room trusts it. */
function roomConnector(ctx: Ctx, conversationId: number): Connect {
  return async (after) => {
    const claims = createClaims(await currentTicketHolder(ctx, `conversation:${conversationId}`));
    const reply = await openRoomSocket(ctx, conversationId, { claims, after });
    if (!reply.webSocket) throw await errorFrom(reply);
    return reply.webSocket;
  };
}

/** The error in the response of a room that opened no socket. */
async function errorFrom(reply: Response): Promise<AppError> {
  const { code, detail } = await reply.json<{ code?: string; detail?: string }>();
  const known = code !== undefined && code in commonErrors ? (code as CommonErrorCode) : "realtime_unavailable";
  return new AppError(known, detail ?? "The conversation is unavailable. Try again.");
}

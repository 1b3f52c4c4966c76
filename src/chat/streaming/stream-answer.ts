import type { Ctx } from "../../context.ts";
import { AppError, commonErrors, type CommonErrorCode } from "../../kit/errors.ts";
import { createClaims } from "../../kit/socket/tickets.ts";
import { currentTicketHolder } from "../../notifications/tickets.ts";
import { eventStreamHeaders, createSseStream, encodeCompleteAnswer, type StreamCursor } from "./sse-events.ts";
import type { Message } from "../../agent/types.ts";
import { callRoom, openRoomSocket, type StartedTurn } from "../room/client.ts";
import { RoomSocketClient, type Connect } from "./room-socket.ts";
import { UiMessageStreamEncoder, endPosition } from "./ui-message-stream.ts";

/** Whether a client wants to be told an answer while it is written. */
export function wantsEvents(request: Request): boolean {
  return /(^|[\s,])text\/event-stream\b/i.test(request.headers.get("accept") ?? "");
}

/**
 * Tells the answer to what was just sent, from its beginning, as the AI SDK's UI message stream.
 * @throws realtime_unavailable, and the room's refusals
 */
export function streamAnswer(ctx: Ctx, conversationId: number, { answer, seq }: StartedTurn): Promise<Response> {
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
  cursor: StreamCursor | undefined,
): Promise<Response | undefined> {
  const { messages } = await callRoom(ctx, conversationId, (room) => room.list(userId, { limit: 1 }));
  const answer = messages.at(-1);
  const left = cursor?.position === endPosition ? undefined : cursor;
  if (answer?.role !== "assistant" || (answer.status !== "streaming" && left === undefined)) return undefined;
  return openAnswer(ctx, conversationId, { answer, after: left?.seq, place: left?.position });
}

type Opening = { answer: Message; after: number | undefined; place?: string | undefined };

async function openAnswer(ctx: Ctx, conversationId: number, { answer, after, place }: Opening): Promise<Response> {
  const stream = new UiMessageStreamEncoder(answer.id, place);
  if (answer.status !== "streaming") {
    return new Response(encodeCompleteAnswer(stream, stream.encodeWhole(answer), after ?? 0), { headers: eventStreamHeaders });
  }
  const line = await RoomSocketClient.open(roomConnector(ctx, conversationId), after);
  return new Response(createSseStream(stream, line), { headers: eventStreamHeaders });
}

/** Opens sockets to a room as whoever asks, with claims of our own: it trusts what the Worker says. */
function roomConnector(ctx: Ctx, conversationId: number): Connect {
  return async (after) => {
    const claims = createClaims(await currentTicketHolder(ctx, `conversation:${conversationId}`));
    const reply = await openRoomSocket(ctx, conversationId, { claims, after });
    if (!reply.webSocket) throw await refusalIn(reply);
    return reply.webSocket;
  };
}

/** What a room says in place of a socket. */
async function refusalIn(reply: Response): Promise<AppError> {
  const { code, detail } = await reply.json<{ code?: string; detail?: string }>();
  const known = code !== undefined && code in commonErrors ? (code as CommonErrorCode) : "realtime_unavailable";
  return new AppError(known, detail ?? "The conversation is unavailable. Try again.");
}

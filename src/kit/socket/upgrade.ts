import { AppError, problemOf, unexpectedError } from "../errors.ts";
import { log } from "../log.ts";
import { parseClaims, type TicketClaims } from "./tickets.ts";

/** The internal protocol between the Worker and a room for opening a socket. */

const claimsHeader = "x-socket-claims";
const afterHeader = "x-socket-after";
const requestIdHeader = "x-request-id";

/** A request for a socket: the claims of the ticket, and the `seq` of the last frame that the client has, if it reconnects. */
export type SocketRequest = { claims: TicketClaims; after: number | undefined };

type Rooms = { getByName(name: string): { fetch(request: Request): Promise<Response> } };

/**
 * Opens a socket of a room.
 * @returns the socket, or the refusal of the room as problem details
 * @throws the error of the platform if the room cannot be reached
 */
export async function connectSocket(
  rooms: Rooms,
  name: string,
  { claims, after }: SocketRequest,
  requestId: string,
): Promise<Response> {
  const headers = {
    upgrade: "websocket",
    [claimsHeader]: encodeURIComponent(JSON.stringify(claims)),
    [requestIdHeader]: requestId,
    ...(after === undefined ? {} : { [afterHeader]: String(after) }),
  };
  const reply = await rooms.getByName(name).fetch(new Request("https://room/", { headers }));
  // The headers of a fetched response are immutable, but the Worker adds headers to every reply.
  return new Response(reply.body, reply);
}

/** @throws upgrade_required for a request that is not for a socket */
export function requireUpgrade(request: Request): void {
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket") return;
  throw new AppError("upgrade_required", "This endpoint requires a WebSocket upgrade.");
}

/** Reads the request of the Worker. @throws upgrade_required, unauthenticated */
export function readSocketRequest(request: Request): SocketRequest {
  requireUpgrade(request);
  const claims = parseClaims(decodeURIComponent(request.headers.get(claimsHeader) ?? ""));
  if (claims === undefined) throw new AppError("unauthenticated", "A socket requires a ticket. Request one first.");
  const after = request.headers.get(afterHeader);
  return { claims, after: after === null ? undefined : Number(after) };
}

export const requestIdOf = (request: Request): string => request.headers.get(requestIdHeader) ?? "";

/** The reply to a refused request. An unexpected error is logged, and its message is not sent to the client. */
export function refuse(error: unknown, requestId: string): Response {
  const failure = error instanceof AppError ? error : unexpectedError(error);
  if (failure.status >= 500) log("error", "A socket could not be opened.", { request_id: requestId, error });
  const headers = { ...failure.headers, "content-type": "application/problem+json" };
  return new Response(JSON.stringify(problemOf(failure, requestId)), { status: failure.status, headers });
}

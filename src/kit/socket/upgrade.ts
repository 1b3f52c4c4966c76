import { AppError, problemOf } from "../errors.ts";
import { log } from "../log.ts";
import { parseClaims, type TicketClaims } from "./tickets.ts";

/** How the Worker hands a request for a socket to a room, which trusts nothing else. */

const claimsHeader = "x-socket-claims";
const afterHeader = "x-socket-after";
const requestIdHeader = "x-request-id";

/** Who asks a room for a socket, and the `seq` of the last frame that they have seen, if they were here before. */
export type SocketRequest = { claims: TicketClaims; after: number | undefined };

type Rooms = { getByName(name: string): { fetch(request: Request): Promise<Response> } };

/**
 * Asks a room for a socket.
 * @param arrival the claims of a ticket that was read, and `after` of the client's query
 * @returns the socket, or the room's refusal as problem details
 * @throws what the platform throws where the room cannot be reached
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
  // The headers of a fetched response cannot be changed, and every reply of ours is given some.
  return new Response(reply.body, reply);
}

/** @throws upgrade_required for a request that is not for a socket */
export function requireUpgrade(request: Request): void {
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket") return;
  throw new AppError("upgrade_required", "This endpoint requires a WebSocket upgrade.");
}

/** What the Worker told of whom it sends. @throws upgrade_required, unauthenticated */
export function readSocketRequest(request: Request): SocketRequest {
  requireUpgrade(request);
  const claims = parseClaims(decodeURIComponent(request.headers.get(claimsHeader) ?? ""));
  if (claims === undefined) throw new AppError("unauthenticated", "A socket requires a ticket. Request one first.");
  const after = request.headers.get(afterHeader);
  return { claims, after: after === null ? undefined : Number(after) };
}

export const requestIdOf = (request: Request): string => request.headers.get(requestIdHeader) ?? "";

/** What a client is told in place of a socket. What we did not foresee is logged, and its text stays here. */
export function refuse(error: unknown, requestId: string): Response {
  const failure =
    error instanceof AppError
      ? error
      : new AppError("internal", "An unexpected error occurred on the server.", { cause: error });
  if (failure.status >= 500) log("error", "A socket could not be opened.", { request_id: requestId, error });
  const headers = { ...failure.headers, "content-type": "application/problem+json" };
  return new Response(JSON.stringify(problemOf(failure, requestId)), { status: failure.status, headers });
}

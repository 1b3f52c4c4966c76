import { AppError, problemOf } from "../errors.ts";
import { log } from "../log.ts";
import { parseClaims, type TicketClaims } from "./tickets.ts";

/** How the Worker hands a request for a socket to a room, which trusts nothing else. */

const claimsHeader = "x-socket-claims";
const requestIdHeader = "x-request-id";

/** Who asks a room for a socket, and which frame they have seen last, if they were here before. */
export type Arrival = { claims: TicketClaims; after: number | undefined };

type Rooms = { getByName(name: string): { fetch(request: Request): Promise<Response> } };

/**
 * Asks a room for a socket.
 * @param request what the client sent: `after` of its query goes on, and nothing else of it
 * @param ticket the claims of a ticket that was read
 * @returns the socket, or the room's refusal as problem details
 * @throws upgrade_required, and what the platform throws where the room cannot be reached
 */
export async function connectSocket(
  rooms: Rooms,
  name: string,
  request: Request,
  ticket: TicketClaims,
  requestId: string,
): Promise<Response> {
  requireUpgrade(request);
  const after = new URL(request.url).searchParams.get("after");
  const url = after === null ? "https://room/" : `https://room/?after=${encodeURIComponent(after)}`;
  const claims = encodeURIComponent(JSON.stringify(ticket));
  const headers = { upgrade: "websocket", [claimsHeader]: claims, [requestIdHeader]: requestId };
  const reply = await rooms.getByName(name).fetch(new Request(url, { headers }));
  // The headers of a fetched response cannot be changed, and every reply of ours is given some.
  return new Response(reply.body, reply);
}

/** @throws upgrade_required for a request that is not for a socket */
function requireUpgrade(request: Request): void {
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket") return;
  throw new AppError("upgrade_required", "This address speaks WebSocket alone.");
}

/** What the Worker told of whom it sends. @throws upgrade_required, unauthenticated */
export function readArrival(request: Request): Arrival {
  requireUpgrade(request);
  const claims = parseClaims(decodeURIComponent(request.headers.get(claimsHeader) ?? ""));
  if (claims === undefined) throw new AppError("unauthenticated", "A socket needs a ticket.");
  const after = new URL(request.url).searchParams.get("after") ?? "";
  return { claims, after: /^\d{1,15}$/.test(after) ? Number(after) : undefined };
}

export const requestIdOf = (request: Request): string => request.headers.get(requestIdHeader) ?? "";

/** What a client is told in place of a socket. What we did not foresee is logged, and its text stays here. */
export function refuse(error: unknown, requestId: string): Response {
  const failure =
    error instanceof AppError ? error : new AppError("internal", "Something went wrong on our side.", { cause: error });
  if (failure.status >= 500) log("error", "A socket could not be opened.", { request_id: requestId, error });
  const headers = { ...failure.headers, "content-type": "application/problem+json" };
  return new Response(JSON.stringify(problemOf(failure, requestId)), { status: failure.status, headers });
}

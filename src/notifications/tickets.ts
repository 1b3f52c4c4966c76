import { sql } from "drizzle-orm";
import { keyDevice, sessionDevice } from "../auth/credentials.ts";
import { requireUserId } from "../auth/current-user.ts";
import { isDeviceLive } from "../auth/queries.ts";
import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";
import { databaseFailure } from "../kit/db/errors.ts";
import { issueTicket, readTicket, type TicketClaims, type TicketHolder } from "../kit/socket/tickets.ts";

/**
 * Issues a ticket that opens one socket to a resource of the caller.
 * @param resource `me`, `conversation:<id>` or `training-job:<id>`
 * @throws not_found if the resource does not exist or belongs to another user
 */
export async function issueSocketTicket(ctx: Ctx, resource: string): Promise<{ ticket: string; expires_at: Date }> {
  const userId = requireUserId(ctx);
  if (resource !== "me" && !(await ctx.hooks.ownsResource(ctx, userId, resource))) {
    throw new AppError("not_found", `You have no ${resource.replace(":", " ")}.`);
  }
  return issueTicket(ctx.env.AUTH_SECRET, await currentTicketHolder(ctx, resource));
}

/** The error for a ticket whose device may no longer act for its user. */
export const deviceEnded = () =>
  new AppError("unauthenticated", "The session or key of this ticket has ended, or the account is banned. Sign in again.");

/**
 * Verifies the ticket of a socket, and that its device may still act for its user. One round trip. If Postgres is away, the room's own
 * list of revoked devices decides.
 * @throws unauthenticated
 */
export async function readSocketTicket(ctx: Ctx, ticket: string, resource: string): Promise<TicketClaims> {
  const claims = await readTicket(ctx.env.AUTH_SECRET, ticket, resource);
  try {
    const { rows } = await ctx.db.execute<{ is_live: boolean }>(
      sql`select ${isDeviceLive(claims.user_id, claims.device)} as is_live`,
    );
    if (!rows[0]!.is_live) throw deviceEnded();
  } catch (error) {
    if (databaseFailure(error, {}) === undefined) throw error;
  }
  return claims;
}

/** Returns the caller and their device, as rooms identify a socket. @throws unauthenticated */
export async function currentTicketHolder(ctx: Ctx, resource: string): Promise<TicketHolder> {
  const { nameDevice } = await import("../auth/sessions/device-name.ts");
  const device = ctx.actor.kind === "key" ? keyDevice(ctx.actor.keyId) : sessionDevice(sessionIdOf(ctx));
  return { user_id: requireUserId(ctx), device, label: nameDevice(ctx.client.userAgent), resource };
}

function sessionIdOf({ actor }: Ctx): number {
  if (actor.kind !== "user") throw new AppError("unauthenticated", "Sign in first.");
  return actor.sessionId;
}

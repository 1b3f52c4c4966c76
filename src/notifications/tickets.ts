import { keyDevice, sessionDevice } from "../auth/credentials.ts";
import { requireUserId } from "../auth/current-user.ts";
import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";
import { issueTicket, type TicketHolder } from "../kit/socket/tickets.ts";

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

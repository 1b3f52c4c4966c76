import { keyDevice, sessionDevice } from "../auth/credentials.ts";
import { userIdOf } from "../auth/self.ts";
import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";
import { issueTicket } from "../kit/tickets.ts";

/**
 * A ticket with which whoever asks opens one socket to a resource of theirs.
 * @param resource `me`, `conversation:<id>` or `training-job:<id>`
 * @throws not_found for what is not there, or not theirs
 */
export async function issueSocketTicket(ctx: Ctx, resource: string): Promise<{ ticket: string; expires_at: Date }> {
  const userId = userIdOf(ctx);
  if (resource !== "me" && !(await ctx.hooks.ownsResource(ctx, userId, resource))) {
    throw new AppError("not_found", `There is no ${resource.replace(":", " ")} of yours.`);
  }
  const { nameDevice } = await import("../auth/devices.ts");
  const device = ctx.actor.kind === "key" ? keyDevice(ctx.actor.keyId) : sessionDevice(sessionIdOf(ctx));
  return issueTicket(ctx.env.AUTH_SECRET, { user_id: userId, device, label: nameDevice(ctx.client.userAgent), resource });
}

function sessionIdOf({ actor }: Ctx): number {
  if (actor.kind !== "user") throw new AppError("unauthenticated", "Sign in first.");
  return actor.sessionId;
}

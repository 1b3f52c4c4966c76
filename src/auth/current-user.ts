import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";

/** Returns the ID of the calling user. @throws unauthenticated for an anonymous caller: the route has no guard */
export function requireUserId({ actor }: Ctx): number {
  if (!("userId" in actor)) throw new AppError("unauthenticated", "Sign in first.");
  return actor.userId;
}

/**
 * Checks the user ID in a path: the caller's own, or any for an administrator who may read.
 * @throws not_found for another user's
 */
export function requirePathUser(ctx: Ctx, userId: number, { admitsAdmin = false } = {}): number {
  if (requireUserId(ctx) === userId) return userId;
  const { actor } = ctx;
  if (admitsAdmin && "permissions" in actor && actor.permissions.includes("admin.read")) return userId;
  throw new AppError("not_found", "User not found.");
}

/** Returns the calling user and their session. @throws forbidden for an API key or a minion token */
export function requireSession({ actor }: Ctx): { userId: number; sessionId: number; permissions: readonly string[] } {
  if (actor.kind !== "user")
    throw new AppError("forbidden", "API keys and minion tokens cannot use this endpoint. Use a session token.");
  return actor;
}

import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";

/** Returns the ID of the calling user. @throws unauthenticated for an anonymous caller: the route has no guard */
export function requireUserId({ actor }: Ctx): number {
  if (!("userId" in actor)) throw new AppError("unauthenticated", "Sign in first.");
  return actor.userId;
}

/** Returns the calling user and their session. @throws forbidden for an API key or a minion token */
export function requireSession({ actor }: Ctx): { userId: number; sessionId: number; permissions: readonly string[] } {
  if (actor.kind !== "user")
    throw new AppError("forbidden", "API keys and minion tokens cannot use this endpoint. Use a session token.");
  return actor;
}

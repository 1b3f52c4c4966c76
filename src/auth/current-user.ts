import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";

/** The user who asks, in person or by a key. @throws unauthenticated where nobody does: the route lacks its guard */
export function requireUserId({ actor }: Ctx): number {
  if (!("userId" in actor)) throw new AppError("unauthenticated", "Sign in first.");
  return actor.userId;
}

/** The user who asks in person, and their session. @throws forbidden for a key */
export function requireSession({ actor }: Ctx): { userId: number; sessionId: number } {
  if (actor.kind !== "user")
    throw new AppError("forbidden", "API keys and minion tokens cannot use this endpoint. Use a session token.");
  return actor;
}

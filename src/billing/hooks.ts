import { sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db.ts";
import { grantPointsRows } from "./points.ts";
import { isRunning, subscriptions } from "./tables.ts";

/** Points for joining. */
const joiningPoints = 50;

/** What a new user is given, in the commit that makes them. */
export function onUserCreated(ctx: Ctx, userId: number): Statement[] {
  const reason = "Welcome to Spiritforge";
  return [grantPointsRows(ctx, { userId, kind: "bonus", points: joiningPoints, reason, reference: "joining" })];
}

/** The status of a user's running subscription, else `free`, as an expression for a query. */
export function subscriptionStatus(userId: SQL): SQL<string> {
  const running = sql`select ${subscriptions.status} from ${subscriptions} where ${subscriptions.user_id} = ${userId} and ${isRunning}`;
  return sql<string>`coalesce((${running}), 'free')`;
}

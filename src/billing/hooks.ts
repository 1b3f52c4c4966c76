import { eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { grantPointsRows } from "./points.ts";
import { isActiveSubscription, pointsTransactions, purchases, subscriptions, userPoints, userSpiritAccess } from "./tables.ts";

/** Points for joining. */
const joiningPoints = 50;

/** What a new user is given, in the commit that makes them. */
export function onUserCreated(ctx: Ctx, userId: number): Statement[] {
  const reason = "Welcome to Spiritforge";
  return [grantPointsRows(ctx, { userId, kind: "bonus", points: joiningPoints, reason, reference: "joining" })];
}

/** What is held of a user here. */
export function exportUser(ctx: Ctx, userId: number): Record<string, Statement> {
  const all = (
    table: typeof subscriptions | typeof purchases | typeof userPoints | typeof pointsTransactions | typeof userSpiritAccess,
  ) => ctx.db.select().from(table).where(eq(table.user_id, userId));
  return {
    subscriptions: all(subscriptions),
    purchases: all(purchases),
    points: all(userPoints),
    points_transactions: all(pointsTransactions),
    spirit_grants: all(userSpiritAccess),
  };
}

/** The status of a user's running subscription, else `free`, as an expression for a query. */
export function subscriptionStatus(userId: SQL): SQL<string> {
  const running = sql`select ${subscriptions.status} from ${subscriptions} where ${subscriptions.user_id} = ${userId} and ${isActiveSubscription}`;
  return sql<string>`coalesce((${running}), 'free')`;
}

import { eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { grantPointsRows } from "./points.ts";
import { isActiveSubscription, pointsTransactions, purchases, subscriptions, userPoints, userSpiritAccess } from "./tables.ts";

/** The points that a new user receives. */
const joiningPoints = 50;

/** The statements that give a new user points, in the commit that creates the user. */
export function onUserCreated(ctx: Ctx, userId: number): Statement[] {
  const reason = "Welcome to Spiritforge";
  return [grantPointsRows(ctx, { userId, kind: "bonus", points: joiningPoints, reason, reference: "joining" })];
}

/** The queries that export this feature's data of a user. */
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

/** A query expression: the status of a user's active subscription, else `free`. */
export function subscriptionStatus(userId: SQL): SQL<string> {
  const status = sql`select ${subscriptions.status} from ${subscriptions} where ${subscriptions.user_id} = ${userId} and ${isActiveSubscription}`;
  return sql<string>`coalesce((${status}), 'free')`;
}

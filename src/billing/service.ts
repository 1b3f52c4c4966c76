import { eq, sql, type SQL } from "drizzle-orm";
import { plans } from "../catalog/tables.ts";
import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";
import { activePlans, subscriptions } from "./tables.ts";

/** A user's plan. `max_minions` is −1 if there is no limit. `until` is null if the plan does not end, as for the Free Plan. */
export type HeldPlan = {
  plan_id: number;
  name: string;
  discount_percent: number;
  monthly_points: number;
  max_minions: number;
  max_spirits_per_minion: number;
  until: Date | null;
};

/**
 * Returns the plan of a user's active subscription, else the Free Plan. One round trip.
 * @throws not_found
 */
export async function currentPlan(ctx: Ctx, userId: number): Promise<HeldPlan> {
  const [plan] = await ctx.db
    .select({
      plan_id: plans.id,
      name: plans.name,
      discount_percent: plans.discount_percent,
      monthly_points: plans.monthly_points,
      max_minions: plans.max_minions,
      max_spirits_per_minion: plans.max_spirits_per_minion,
      until: sql`held.until`.mapWith(subscriptions.current_period_end),
    })
    .from(plans)
    .innerJoin(activePlans, eq(sql`held.plan_id`, plans.id))
    .where(eq(sql`held.user_id`, userId));
  if (plan === undefined) throw new AppError("not_found", "User not found.");
  return plan;
}

/** A query expression: a limit of the user's plan. */
export function planLimit(userId: number, limit: "max_minions" | "max_spirits_per_minion"): SQL<number> {
  return sql<number>`(select ${plans[limit]} from ${plans} join ${activePlans} on held.plan_id = ${plans.id} where held.user_id = ${userId})`;
}

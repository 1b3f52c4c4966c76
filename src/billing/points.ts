import { sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import type { PointKind } from "./constants.ts";
import { pointsTransactions, userPoints } from "./tables.ts";

/** A movement of points. `points` is below zero where they are taken; `reference` says what brought it about. */
export type PointsMovement = { userId: number; kind: PointKind; points: number; reason: string; reference: string };

/**
 * The statement that writes a movement into the ledger and into the balance, or into neither where its reference is in the
 * ledger already. Its commit fails with `points_not_negative` where there are too few points.
 */
export function grantPointsRows(ctx: Ctx, { userId, kind, points, reason, reference }: PointsMovement): Statement {
  return pointsRows(ctx, sql`values (${userId}::int, ${kind}, ${points}::int, ${reason}, ${reference})`);
}

/**
 * The statement that writes movements that a query finds: `user_id`, `kind`, `points`, `reason`, `reference`, in this order. A twin
 * waits for the first at the ledger's unique key; different movements wait at the balance's row.
 *
 * The row proposed to the upsert is checked before the conflict is seen, so a debit of a balance that exists proposes zero;
 * without a balance it proposes itself, and is refused.
 */
export function pointsRows(ctx: Ctx, movements: SQL): Statement {
  return ctx.db.execute(sql`
    with movement as (
      insert into ${pointsTransactions} (user_id, kind, points, reason, reference)
      ${movements}
      on conflict (user_id, reference) do nothing
      returning user_id, points
    ), moved as (
      select user_id, sum(points)::int as points from movement group by user_id
    )
    insert into ${userPoints} as balance (user_id, total_points)
    select user_id, case when exists (select from ${userPoints} held where held.user_id = moved.user_id)
      then greatest(points, 0) else points end
    from moved
    on conflict (user_id) do update
      set total_points = balance.total_points + (select points from moved where moved.user_id = balance.user_id), updated_at = now()`);
}

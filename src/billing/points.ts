import { sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import type { PointKind } from "./constants.ts";
import { pointsTransactions, userPoints } from "./tables.ts";

/** A points transaction. `points` is negative if the user loses points. `reference` identifies its cause. */
export type PointsMovement = { userId: number; kind: PointKind; points: number; reason: string; reference: string };

/**
 * The statement that adds a transaction to the ledger and to the balance. It changes nothing if the ledger already has the
 * reference. The commit fails with `points_not_negative` if the balance is too low.
 */
export function grantPointsRows(ctx: Ctx, { userId, kind, points, reason, reference }: PointsMovement): Statement {
  return pointsRows(ctx, sql`values (${userId}::int, ${kind}, ${points}::int, ${reason}, ${reference})`);
}

/**
 * The statement that adds the transactions of a query with the columns `user_id`, `kind`, `points`, `reason`, `reference`, in this
 * order. A concurrent duplicate waits at the unique key of the ledger. Other concurrent transactions wait at the row of the balance.
 *
 * Postgres checks the constraints of the proposed row before it detects the conflict. So a debit proposes zero if a balance exists.
 * Without a balance, the debit proposes itself and fails.
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

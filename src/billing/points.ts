import { sql } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db.ts";
import type { PointKind } from "./kinds.ts";
import { pointsTransactions, userPoints } from "./tables.ts";

/** A movement of points. `points` is below zero where they are taken; `reference` says what brought it about. */
export type PointsMovement = { userId: number; kind: PointKind; points: number; reason: string; reference: string };

/**
 * The statement that writes a movement into the ledger and into the balance, or into neither where its reference is in the
 * ledger already. A twin waits for the first at the ledger's unique key; different movements wait at the balance's row.
 * Its commit fails with `points_not_negative` where there are too few points.
 *
 * The row proposed to the upsert is checked before the conflict is seen, so a debit of a balance that exists proposes zero;
 * without a balance it proposes itself, and is refused.
 */
export function grantPointsRows(ctx: Ctx, { userId, kind, points, reason, reference }: PointsMovement): Statement {
  return ctx.db.execute(sql`
    with movement as (
      insert into ${pointsTransactions} (user_id, kind, points, reason, reference)
      values (${userId}, ${kind}, ${points}, ${reason}, ${reference})
      on conflict (user_id, reference) do nothing
      returning user_id, points
    )
    insert into ${userPoints} as balance (user_id, total_points)
    select user_id, case when exists (select from ${userPoints} held where held.user_id = movement.user_id)
      then greatest(points, 0) else points end
    from movement
    on conflict (user_id) do update
      set total_points = balance.total_points + (select points from movement), updated_at = now()`);
}

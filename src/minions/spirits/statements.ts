import { and, isNotNull, sql, type SQL } from "drizzle-orm";
import { hasAccess } from "../../billing/access.ts";
import { spirits } from "../../catalog/tables.ts";
import type { Ctx } from "../../context.ts";
import type { Statement } from "../../kit/db/commit.ts";
import { slotsOf, type MinionId } from "../queries.ts";
import { levelSql, unlockLevel, userExperience } from "../progression/sql.ts";
import { minionSpirits } from "../tables.ts";

/** The statements that check and equip spirits in a commit. */

/** A requested spirit that is not equipped yet, and whether the owner may use it. `place` is the sort key. */
export type Candidate = { spirit_id: number; name: string; place: number; unlocked: boolean; owned: boolean };

const equippedOf = (minionId: MinionId) =>
  and(sql`${minionSpirits.minion_id} = ${minionId}`, isNotNull(minionSpirits.position))!;

export const isEquipped = (minionId: MinionId, spiritId: SQL | number): SQL =>
  sql`exists (select from ${minionSpirits} where ${equippedOf(minionId)} and ${minionSpirits.spirit_id} = ${spiritId})`;

const equippedCount = (minionId: MinionId) => sql`(select count(*) from ${minionSpirits} where ${equippedOf(minionId)})`;

/**
 * The requested spirits that are not equipped yet.
 * @param chosen a query of `spirit_id` and `place`
 */
export function candidates(userId: number, minionId: MinionId, chosen: SQL): SQL<Candidate> {
  return sql<Candidate>`
    select ${spirits.id} as spirit_id, ${spirits.name} as name, chosen.place::int as place,
      (select ${levelSql(userExperience(userId))}) >= ${unlockLevel} as unlocked, ${hasAccess(userId, spirits.id)} as owned
    from (${chosen}) chosen join ${spirits} on ${spirits.id} = chosen.spirit_id and ${spirits.is_active}
    where not ${isEquipped(minionId, sql`${spirits.id}`)}
    order by chosen.place`;
}

/** The conditions for equipping all of them in addition to the current spirits, by error code. */
export function equipChecks(userId: number, minionId: MinionId, chosen: SQL): Record<string, SQL> {
  const wanted = candidates(userId, minionId, chosen);
  return {
    spirit_locked: sql`not exists (select from (${wanted}) wanted where not unlocked)`,
    spirit_not_owned: sql`not exists (select from (${wanted}) wanted where not owned)`,
    spirit_limit_reached: sql`not exists (${wanted})
      or (select count(*) from (${wanted}) wanted) + ${equippedCount(minionId)} <= ${slotsOf(userId)}`,
  };
}

/** Equips the allowed spirits in order, in free positions, up to the slot limit. */
export function equipStatement(ctx: Ctx, userId: number, minionId: MinionId, chosen: SQL): Statement {
  return ctx.db.execute(sql`
    with wanted as (
      select spirit_id, row_number() over (order by place) as turn
      from (${candidates(userId, minionId, chosen)}) wanted where unlocked and owned
    ), free as (
      select place, row_number() over (order by place) as turn from generate_series(1, 5) place
      where not exists (select from ${minionSpirits} where ${equippedOf(minionId)} and ${minionSpirits.position} = place)
    )
    insert into ${minionSpirits} (minion_id, spirit_id, position)
    select ${minionId}, wanted.spirit_id, free.place from wanted join free using (turn)
    where turn <= ${slotsOf(userId)} - ${equippedCount(minionId)}
    on conflict (minion_id, spirit_id) do update set position = excluded.position, equipped_at = now()`);
}

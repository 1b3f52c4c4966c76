import { and, desc, eq, lt, sql, type SQL } from "drizzle-orm";
import { users } from "../../auth/tables.ts";
import { auditRow } from "../../auth/audit.ts";
import { pointsRows } from "../../billing/points.ts";
import { ranks } from "../../catalog/constants.ts";
import type { Ctx } from "../../context.ts";
import { commit, commitOnce, idOfNew, assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import { AppError } from "../../kit/errors.ts";
import { paginate, type PageQueryOutput } from "../../kit/http/zod-schemas.ts";
import { insertNotifications } from "../../notifications/service.ts";
import type { ExperienceKind } from "../constants.ts";
import { spiritGains } from "./mastery.ts";
import { dailyUsageCap, pointsPerLevel, pointsPerRank, usageExperience } from "./rules.ts";
import { levelSql, minionExperience, rankIndexSql } from "./sql.ts";
import { minions, minionSpirits, spiritMastery, xpEvents } from "../tables.ts";

/** Experience for one event. `source` identifies the event, so that it counts once. */
export type Grant = {
  minionId: number;
  kind: ExperienceKind;
  amount: number;
  reason: string;
  source: { type: string; id: string };
  /** Spirits that gain experience too (IDs or an SQL array), and the gain of each. */
  spirits?: { spiritIds: readonly number[] | SQL; gain: number };
  /** A tool that ran successfully. */
  tool?: { spiritId: number; toolId: number };
};

const today = sql`(now() at time zone 'utc')::date`;

/** A minion's usage experience of this UTC day. */
const usageToday = (minionId: number): SQL<number> => sql<number>`(
  select coalesce(sum(${xpEvents.xp}), 0)::int from ${xpEvents}
  where ${eq(xpEvents.minion_id, minionId)} and ${xpEvents.kind} = 'usage' and ${xpEvents.day} = ${today})`;

/**
 * The statements that grant experience: insert the event once, add the gains of the minion and its spirits, add the points
 * for new levels and ranks, and notify the owner. Usage is limited per day. A source that was granted before changes nothing.
 */
export function experienceRows(ctx: Ctx, grant: Grant): [Statement, ...Statement[]] {
  const condition = eq(minions.id, grant.minionId);
  const owner = sql`(select ${minions.user_id} from ${minions} where ${condition})`;
  return [
    ctx.db
      .select({ id: users.id })
      .from(users)
      .where(sql`${users.id} = ${owner}`)
      .for("no key update"),
    ctx.db.select({ id: minions.id }).from(minions).where(condition).for("no key update"),
    ctx.db.execute(grantOnce(grant)),
    pointsRows(ctx, pointsOf(grant)),
    insertNotifications(ctx, newsOf(grant)),
  ];
}

function grantOnce({ minionId, kind, amount, reason, source, spirits, tool }: Grant): SQL {
  const xp = kind === "usage" ? sql`least(${amount}, greatest(0, ${dailyUsageCap} - ${usageToday(minionId)}))` : sql`${amount}`;
  const column = sql.identifier(kind === "usage" ? minions.total_usage_xp.name : minions.total_training_xp.name);
  const effects = [
    sql`raised as (update ${minions} minion set ${column} = minion.${column} + granted.xp from granted where minion.id = granted.minion_id)`,
    spirits &&
      sql`taught as (update ${minionSpirits} spirit set experience = spirit.experience + ${spirits.gain} from granted
        where spirit.minion_id = granted.minion_id and spirit.spirit_id = any(${Array.isArray(spirits.spiritIds) ? sql.param(spirits.spiritIds) : spirits.spiritIds}::int[]))`,
    tool &&
      sql`used as (insert into ${spiritMastery} as known (minion_id, spirit_id, tool_id, uses)
        select minion_id, ${tool.spiritId}, ${tool.toolId}, 1 from granted
        on conflict (minion_id, spirit_id, tool_id) do update set uses = known.uses + 1, last_used_at = now())`,
  ].filter((effect) => effect !== undefined);
  return sql`
    with granted as (
      insert into ${xpEvents} (minion_id, kind, xp, xp_before, reason, source_type, source_id)
      select ${minions.id}, ${kind}, ${xp}, ${minionExperience}, ${reason}, ${source.type}, ${source.id}
      from ${minions} where ${eq(minions.id, minionId)}
      on conflict (source_type, source_id) do nothing
      returning minion_id, xp
    ), ${sql.join(effects, sql`, `)}
    select xp from granted`;
}

/** The event of a grant with its minion and the levels and ranks before and after. */
function rise({ source }: Grant): SQL {
  const before = levelSql(sql`${xpEvents.xp_before}`);
  const after = levelSql(sql`${xpEvents.xp_before} + ${xpEvents.xp}`);
  return sql`
    select ${minions.id} as minion_id, ${minions.user_id} as user_id, ${minions.display_name} as display_name,
      ${before} as level_before, ${after} as level_after, ${rankIndexSql(before)} as rank_before, ${rankIndexSql(after)} as rank_after
    from ${xpEvents} join ${minions} on ${minions.id} = ${xpEvents.minion_id}
    where ${eq(xpEvents.source_type, source.type)} and ${eq(xpEvents.source_id, source.id)}`;
}

const rankName = (index: SQL) => sql`(${sql.raw(`array[${ranks.map((rank) => `'${rank}'`).join(", ")}]`)})[${index} + 1]`;

/** Points for each level and rank that a grant reaches. References make them count once. */
function pointsOf(grant: Grant): SQL {
  const risen = sql`(${rise(grant)}) risen`;
  return sql`
    select user_id, 'earned' as kind, ${pointsPerLevel}::int as points, display_name || ' reached level ' || level as reason,
      'level:' || minion_id || ':' || level as reference
    from ${risen}, generate_series(level_before + 1, level_after) level
    union all
    select user_id, 'earned', ${pointsPerRank}::int, display_name || ' became ' || ${rankName(sql`place`)}, 'rank:' || minion_id || ':' || place
    from ${risen}, generate_series(rank_before + 1, rank_after) place`;
}

/** The notification of the owner about the highest new level, and about a new rank. */
function newsOf(grant: Grant): SQL {
  const isRank = sql`rank_after > rank_before`;
  return sql`
    select user_id, case when ${isRank} then 'rank_up' else 'level_up' end as kind,
      display_name || ' reached level ' || level_after as title,
      case when ${isRank} then display_name || ' is now ' || ${rankName(sql`rank_after`)} || '.' else '' end as body,
      '/minions/' || minion_id as link,
      jsonb_build_object('minion_id', minion_id, 'level', level_after, 'rank', ${rankName(sql`rank_after`)}) as data,
      'level:' || minion_id || ':' || level_after as reference
    from (${rise(grant)}) risen where level_after > level_before`;
}

/** Grants experience in a commit of its own. One round trip. */
export async function grantExperience(ctx: Ctx, grant: Grant): Promise<void> {
  await commit(ctx, experienceRows(ctx, grant));
}

/** A successful run of a tool of a minion's spirit. `run` identifies the run, so that it counts once. */
export type ToolRun = { minionId: number; spiritId: number; toolId: number; run: string };

/** The statements that count a successful tool run for the minion, the spirit and the tool's mastery. */
export function toolRunRows(ctx: Ctx, { minionId, spiritId, toolId, run }: ToolRun): [Statement, ...Statement[]] {
  return experienceRows(ctx, {
    minionId,
    kind: "usage",
    amount: usageExperience.tool_run,
    reason: "A tool was used with success",
    source: { type: "tool_run", id: run },
    spirits: { spiritIds: [spiritId], gain: spiritGains.tool_run },
    tool: { spiritId, toolId },
  });
}

/** Counts a successful run of a tool in a commit of its own. One round trip. */
export async function recordToolRun(ctx: Ctx, run: ToolRun): Promise<void> {
  await commit(ctx, toolRunRows(ctx, run));
}

const shown = {
  id: xpEvents.id,
  kind: xpEvents.kind,
  xp: xpEvents.xp,
  reason: xpEvents.reason,
  source_type: xpEvents.source_type,
  source_id: xpEvents.source_id,
  day: xpEvents.day,
  created_at: xpEvents.created_at,
};

/** A minion's experience events, newest first. One round trip. @throws not_found */
export async function listExperience(ctx: Ctx, userId: number, minionId: number, { limit, cursor }: PageQueryOutput) {
  const condition = eq(xpEvents.minion_id, minionId);
  const [[minion], rows] = await commit(ctx, [
    ctx.db
      .select({
        experience: sql<number>`(${sql`${minionExperience}`})`,
        usage_today: usageToday(minionId),
        total: sql<number>`(${sql`select count(*)::int from ${xpEvents} where ${condition}`})`,
      })
      .from(minions)
      .where(and(eq(minions.user_id, userId), eq(minions.id, minionId))),
    ctx.db
      .select(shown)
      .from(xpEvents)
      .innerJoin(minions, eq(minions.id, xpEvents.minion_id))
      .where(and(condition, eq(minions.user_id, userId), cursor === undefined ? undefined : lt(xpEvents.id, cursor)))
      .orderBy(desc(xpEvents.id))
      .limit(limit + 1),
  ]);
  if (minion === undefined) throw new AppError("not_found", "Minion not found.");
  const { items, ...next } = paginate(rows, limit);
  return { events: items, ...minion, ...next };
}

/** Grants experience as an administrator. One round trip. @returns the event @throws not_found */
export async function grantByAdmin(ctx: Ctx, minionId: number, { amount, reason }: { amount: number; reason: string }) {
  const source = { type: "admin", id: crypto.randomUUID() };
  const condition = and(eq(xpEvents.source_type, source.type), eq(xpEvents.source_id, source.id));
  const results = await commitOnce(
    ctx,
    [
      assertAllInTransaction(ctx.db, {
        minion_unknown: sql`exists (select from ${minions} where ${eq(minions.id, minionId)})`,
      }),
      ...experienceRows(ctx, { minionId, kind: "admin", amount, reason, source }),
      auditRow(ctx, "minion.experience_granted", null, { minion_id: minionId, amount, reason }),
      ctx.db.select(shown).from(xpEvents).where(condition),
    ],
    idOfNew(xpEvents),
  );
  return (results.at(-1) as (typeof xpEvents.$inferSelect)[])[0]!;
}

/** One event. @throws not_found */
export async function getExperienceEvent(ctx: Ctx, id: number) {
  const [event] = await ctx.db.select(shown).from(xpEvents).where(eq(xpEvents.id, id));
  if (event === undefined) throw new AppError("not_found", "Event not found.");
  return event;
}

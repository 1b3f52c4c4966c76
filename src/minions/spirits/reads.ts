import { and, eq, sql } from "drizzle-orm";
import { planFigure } from "../../billing/service.ts";
import { catalogOf } from "../../catalog/service.ts";
import type { Ctx } from "../../context.ts";
import { commit } from "../../kit/db/commit.ts";
import { AppError, invalid } from "../../kit/errors.ts";
import { edited } from "./statements.ts";
import type { Found } from "./service.ts";
import { standingOf } from "../progression/rules.ts";
import { unlocksOf, type ToolUses } from "./views.ts";
import { minionColumns, selectMinions } from "../queries.ts";
import { changed } from "../service.ts";
import { levelAt, minionExperience, rankIndexAt, userExperience } from "../progression/sql.ts";
import { minions, spiritMastery } from "../tables.ts";
import { faultsOfTraits } from "./traits.ts";

const notFound = () => new AppError("not_found", "There is no such minion of yours.");

/** A minion with its owner's level, which decides what is unlocked. One round trip. @throws not_found */
export async function getAvailability(ctx: Ctx, userId: number, minionId: number): Promise<Found & { level: number }> {
  const catalog = await catalogOf(ctx);
  const [row] = await ctx.db
    .select({ ...minionColumns(userId), level: sql<number>`(${levelAt(userExperience(userId))})` })
    .from(minions)
    .where(and(eq(minions.user_id, userId), eq(minions.id, minionId)));
  if (row === undefined) throw notFound();
  return { catalog, row, level: row.level };
}

/** A minion with how often it used each tool. One round trip. @throws not_found */
export async function listToolUses(ctx: Ctx, userId: number, minionId: number): Promise<Found & { uses: ToolUses[] }> {
  const catalog = await catalogOf(ctx);
  const { spirit_id, tool_id, uses } = spiritMastery;
  const [[row], rows] = await commit(ctx, [
    selectMinions(ctx, userId, eq(minions.id, minionId)),
    ctx.db.select({ spirit_id, tool_id, uses }).from(spiritMastery).where(eq(spiritMastery.minion_id, minionId)),
  ]);
  if (row === undefined) throw notFound();
  return { catalog, row, uses: rows };
}

/** Levels at which a minion may have a first trait above 0, a second, and so on: what `traitSlots` counts. */
const slotLevels = sql.raw("array[10, 15, 20, 25, 30]");

/** Replaces a minion's traits. One round trip. @throws validation_failed, not_found */
export async function putTraits(ctx: Ctx, userId: number, minionId: number, given: Record<string, number>): Promise<Found> {
  const highest = { level: 35, rank: "Autonomous" as const };
  const faults = faultsOfTraits(given, highest).filter(({ path }) => path !== "");
  if (faults.length > 0) throw invalid(faults.map(({ path, message }) => ({ path: `traits.${path}`, in: "body", message })));
  const traits = Object.fromEntries(Object.entries(given).filter(([, intensity]) => intensity > 0));
  const spent = Object.values(traits).reduce((sum, intensity) => sum + intensity, 0);
  const level = sql`(select ${levelAt(minionExperience)} from ${minions} where ${eq(minions.id, minionId)})`;
  return changed(ctx, userId, minionId, {
    unless: {
      traits_exceed_slots: sql`${Object.keys(traits).length} <= width_bucket(${level}, ${slotLevels})`,
      traits_exceed_points: sql`${spent} <= 10 + 5 * ${rankIndexAt(level)}`,
    },
    rows: [edited(ctx, userId, minionId, { traits })],
  });
}

/** Where a user stands by the experience of their minions, and what comes next. One round trip. */
export async function getProgression(ctx: Ctx, userId: number) {
  const catalog = await catalogOf(ctx);
  const [row] = await ctx.db
    .select({
      experience: sql<number>`(${userExperience(userId)})`,
      minions: sql<number>`(${sql`select count(*)::int from ${minions} where ${eq(minions.user_id, userId)} and ${minions.deleted_at} is null`})`,
      max_minions: planFigure(userId, "max_minions"),
      max_spirits_per_minion: planFigure(userId, "max_spirits_per_minion"),
    })
    .from(sql`(select 1) as once`);
  return { ...row!, ...standingOf(row!.experience), ...unlocksOf(catalog, row!.experience) };
}

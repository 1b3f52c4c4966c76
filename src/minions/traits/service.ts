import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { validationError } from "../../kit/errors.ts";
import { levelProgress } from "../progression/rules.ts";
import { levelSql, minionExperience, rankIndexSql } from "../progression/sql.ts";
import { experienceOf } from "../progression/views.ts";
import { commitMinionChange, updateMinionStatement, type MinionWithCatalog } from "../queries.ts";
import { minions } from "../tables.ts";
import { compatibilityOf, compatibilityPercent, faultsOfTraits, traitPoints, traitSlots } from "./rules.ts";

/** The traits of a minion and their limits. */
export function minionTraits({ row }: MinionWithCatalog) {
  const { level, rank } = levelProgress(experienceOf(row));
  const compatibility = compatibilityOf(row.traits);
  return {
    traits: row.traits,
    trait_slots: traitSlots(level),
    trait_points: traitPoints(rank),
    trait_compatibility: compatibility,
    trait_compatibility_percentage: compatibilityPercent(compatibility),
  };
}

/** The levels that add a trait slot; `traitSlots` counts the same. */
const slotLevels = sql.raw("array[10, 15, 20, 25, 30]");

/** Replaces a minion's traits. One round trip. @throws validation_failed, not_found */
export async function putTraits(
  ctx: Ctx,
  userId: number,
  minionId: number,
  intensities: Record<string, number>,
): Promise<MinionWithCatalog> {
  const highest = { level: 35, rank: "Autonomous" as const };
  const faults = faultsOfTraits(intensities, highest).filter(({ path }) => path !== "");
  if (faults.length > 0)
    throw validationError(faults.map(({ path, message }) => ({ path: `traits.${path}`, in: "body", message })));
  const traits = Object.fromEntries(Object.entries(intensities).filter(([, intensity]) => intensity > 0));
  const spent = Object.values(traits).reduce((sum, intensity) => sum + intensity, 0);
  const level = sql`(select ${levelSql(minionExperience)} from ${minions} where ${eq(minions.id, minionId)})`;
  return commitMinionChange(ctx, userId, minionId, {
    unless: {
      traits_exceed_slots: sql`${Object.keys(traits).length} <= width_bucket(${level}, ${slotLevels})`,
      traits_exceed_points: sql`${spent} <= 10 + 5 * ${rankIndexSql(level)}`,
    },
    rows: [updateMinionStatement(ctx, userId, minionId, { traits })],
  });
}

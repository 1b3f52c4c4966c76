import { and, eq, isNotNull, isNull } from "drizzle-orm";
import { catalogOf } from "../catalog/service.ts";
import type { Ctx } from "../context.ts";
import { minions } from "./tables.ts";

/** Counts the classes by category and by the rank that unlocks them, and the caller's minions that have one: 0 for an anonymous caller. */
export async function classStatistics(ctx: Ctx) {
  const { actor, db } = ctx;
  const [{ classes }, minions_with_classes] = await Promise.all([
    catalogOf(ctx),
    "userId" in actor
      ? db.$count(minions, and(eq(minions.user_id, actor.userId), isNull(minions.deleted_at), isNotNull(minions.class_id)))
      : 0,
  ]);
  const categories = countBy(classes.map(({ category }) => category)).map(([category, count]) => ({ category, count }));
  const unlock_ranks = countBy(classes.map(({ unlock_rank }) => unlock_rank)).map(([rank, count]) => ({ rank, count }));
  return { total_classes: classes.length, categories, unlock_ranks, minions_with_classes };
}

function countBy<T>(values: readonly T[]): [T, number][] {
  return Array.from(
    Map.groupBy(values, (value) => value),
    ([value, group]) => [value, group.length],
  );
}

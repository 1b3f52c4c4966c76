import { levelsPerRank, ranks, type Rank } from "./constants.ts";

/** The rank and the level within it (1–5) that unlock a spirit, a class or a template. */
export type Unlock = { unlock_rank: Rank; unlock_level: number };

/** The synergy (0 or more) and the conflict (0 or less) of two spirits, in percent. */
export type Affinity = { spirit_a: number; spirit_b: number; synergy_percent: number; conflict_percent: number };

export type Synergy = {
  synergy_bonus: number;
  conflict_penalty: number;
  net_performance: number;
  synergies: { spirits: [string, string]; bonus: number }[];
  conflicts: { spirits: [string, string]; penalty: number }[];
};

/** Levels are 1–5, so rank and level order as one number. */
function height({ unlock_rank, unlock_level }: Unlock): number {
  return ranks.indexOf(unlock_rank) * levelsPerRank + unlock_level;
}

/** Whether this rank and level within it unlock the item. A level above 5 counts as 5. */
export function isUnlocked(thing: Unlock, rank: Rank, rankLevel: number): boolean {
  return height({ unlock_rank: rank, unlock_level: Math.min(rankLevel, levelsPerRank) }) >= height(thing);
}

/** The highest unlock of a set of spirits; Novice 1 for an empty set. */
export function highestUnlock(things: readonly Unlock[]): Unlock {
  const lowest: Unlock = { unlock_rank: ranks[0], unlock_level: 1 };
  const { unlock_rank, unlock_level } = things.reduce((high, thing) => (height(thing) > height(high) ? thing : high), lowest);
  return { unlock_rank, unlock_level };
}

/**
 * The synergy of a set of spirits, in percent: each unordered pair adds its synergy to the
 * bonus and its conflict to the penalty. The order does not matter, and a duplicate spirit counts once.
 */
export function synergyOf(spirits: Iterable<{ id: number; name: string }>, affinities: readonly Affinity[]): Synergy {
  const names = new Map(Array.from(spirits, ({ id, name }) => [id, name]));
  const synergies: Synergy["synergies"] = [];
  const conflicts: Synergy["conflicts"] = [];
  for (const { spirit_a, spirit_b, synergy_percent, conflict_percent } of affinities) {
    const a = names.get(spirit_a);
    const b = names.get(spirit_b);
    if (a === undefined || b === undefined) continue;
    if (synergy_percent > 0) synergies.push({ spirits: [a, b], bonus: synergy_percent });
    if (conflict_percent < 0) conflicts.push({ spirits: [a, b], penalty: -conflict_percent });
  }
  const synergy_bonus = synergies.reduce((sum, { bonus }) => sum + bonus, 0);
  const conflict_penalty = conflicts.reduce((sum, { penalty }) => sum + penalty, 0);
  return { synergy_bonus, conflict_penalty, net_performance: synergy_bonus - conflict_penalty, synergies, conflicts };
}

/** Converts cents to dollars. */
export function dollars(cents: number): number {
  return cents / 100;
}

/** The savings of a bundle compared with its parts, in cents and in whole percent (rounded half up). */
export function savings(originalCents: number, bundleCents: number): { cents: number; percent: number } {
  const cents = originalCents - bundleCents;
  return { cents, percent: originalCents === 0 ? 0 : Math.floor((cents * 100) / originalCents + 0.5) };
}

type PricedPlan<Item> = { id: number; price_cents: number; spirits: readonly Item[] };

/** The spirits of a plan that no cheaper plan includes; none for a free plan. */
export function exclusiveSpirits<Item>(plan: PricedPlan<Item>, plans: readonly PricedPlan<Item>[]): Item[] {
  if (plan.price_cents === 0) return [];
  const cheaper = new Set(plans.filter(({ price_cents }) => price_cents < plan.price_cents).flatMap(({ spirits }) => spirits));
  return plan.spirits.filter((spirit) => !cheaper.has(spirit));
}

/** The spirits of the cheapest paid plan. */
export function spiritsFreeWithSubscription<Item>(plans: readonly PricedPlan<Item>[]): Set<Item> {
  const paid = plans.filter(({ price_cents }) => price_cents > 0);
  const [cheapest] = paid.toSorted((a, b) => a.price_cents - b.price_cents);
  return new Set(cheapest?.spirits);
}

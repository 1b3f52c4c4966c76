import { isUnlocked, synergyOf } from "../../catalog/rules.ts";
import { levelsPerRank, ranks } from "../../catalog/constants.ts";
import type { Catalog } from "../../catalog/snapshot.ts";
import { invalid } from "../../kit/errors.ts";
import type { Absence, SpiritFault } from "../constants.ts";
import type { Found } from "./service.ts";
import { masteryOf } from "../progression/mastery.ts";
import { levelThreshold, maxLevel, standingOf } from "../progression/rules.ts";
import { activeOf, experienceOf, spiritsOf } from "../view.ts";
import { compatibilityOf, compatibilityPercent, traitPoints, traitSlots } from "./traits.ts";

/** What reads of one minion answer: pure functions of its row and the catalog. */

/** How often a minion used a tool of a spirit. */
export type ToolUses = { spirit_id: number; tool_id: number; uses: number };

/** A level, 1–35, as the rank and the level within it that the catalog speaks of. */
const placeOf = (level: number) =>
  [ranks[Math.floor((level - 1) / levelsPerRank)]!, ((level - 1) % levelsPerRank) + 1] as const;

/** Every spirit with what its owner, whose level is given, has of it, and the first thing in the way of equipping it. */
export function availableSpirits({ catalog, row }: Found, level: number) {
  const has_free_slot = row.spirits.length < row.slots;
  return catalog.spirits.map((spirit) => {
    const is_unlocked = isUnlocked(spirit, ...placeOf(level));
    const is_owned = row.owned.includes(spirit.id);
    const is_equipped = row.spirits.some(({ spirit_id }) => spirit_id === spirit.id);
    const inTheWay: SpiritFault | null = !is_unlocked
      ? "spirit_locked"
      : !is_owned
        ? "spirit_not_owned"
        : has_free_slot
          ? null
          : "spirit_limit_reached";
    const { id: spirit_id, name, icon, category, tier } = spirit;
    return {
      spirit_id,
      name,
      icon,
      category,
      tier,
      is_unlocked,
      is_owned,
      is_equipped,
      has_free_slot,
      missing: is_equipped ? null : inTheWay,
    };
  });
}

/** @throws validation_failed for numbers that are no spirit's */
export function imaginedSynergy({ catalog, row }: Found, others: readonly number[]) {
  const unknown = others.filter((id) => !catalog.spirits.some((spirit) => spirit.id === id));
  if (unknown.length > 0)
    throw invalid(unknown.map((id) => ({ path: "with", in: "query", message: `there is no spirit ${id}` })));
  const active = activeOf(catalog, spiritsOf(catalog, row));
  const imagined = catalog.spirits.filter((spirit) => active.includes(spirit) || others.includes(spirit.id));
  return { synergy: synergyOf(imagined, catalog.affinities), spirits: imagined.map(({ name }) => name) };
}

/** A minion's class, and why those of its base spirits that do not work do not. @param level of its owner */
export function classOf({ catalog, row }: Found, level?: number) {
  const known = catalog.classes.find(({ id }) => id === row.class_id);
  if (known === undefined) return { class: null, missing: [] };
  const spirits = spiritsOf(catalog, row);
  const missing = known.base_spirits.flatMap((spirit) => {
    const equipped = spirits.find(({ name }) => name === spirit);
    const code = equipped === undefined ? absence(catalog, spirit, row, level) : equipped.inactive_because;
    return code === null ? [] : [{ spirit, code }];
  });
  const { id, class_name, icon, category, specialization } = known;
  return { class: { id, class_name, icon, category, specialization }, missing };
}

function absence(catalog: Catalog, name: string, row: Found["row"], level = maxLevel): Absence {
  const spirit = catalog.spirits.find((candidate) => candidate.name === name);
  if (spirit !== undefined && !isUnlocked(spirit, ...placeOf(level))) return "spirit_locked";
  if (spirit === undefined || !row.owned.includes(spirit.id)) return "spirit_not_owned";
  return row.spirits.length < row.slots ? "spirit_not_equipped" : "spirit_limit_reached";
}

export function traitsOf({ row }: Found) {
  const { level, rank } = standingOf(experienceOf(row));
  const compatibility = compatibilityOf(row.traits);
  return {
    traits: row.traits,
    trait_slots: traitSlots(level),
    trait_points: traitPoints(rank),
    trait_compatibility: compatibility,
    trait_compatibility_percentage: compatibilityPercent(compatibility),
  };
}

/** The tools that the spirits at work bring; a tool of two spirits comes once for each. */
export function toolsOf({ catalog, row }: Found, uses: readonly ToolUses[]) {
  return spiritsOf(catalog, row)
    .filter(({ is_active }) => is_active)
    .flatMap((spirit) =>
      spirit.tools.flatMap((name) => {
        const tool = catalog.tools.find((candidate) => candidate.name === name);
        if (tool === undefined) return [];
        const used = uses.find(({ spirit_id, tool_id }) => spirit_id === spirit.spirit_id && tool_id === tool.id)?.uses ?? 0;
        const { category, kind, description } = tool;
        const { spirit_id, spirit_level, effectiveness_percent } = spirit;
        const of = { spirit_id, spirit: spirit.name, spirit_level, effectiveness_percent };
        return [{ name, category, kind, description, ...of, uses: used, mastery: masteryOf(used) }];
      }),
    );
}

/** What a user with this experience has unlocked, and what comes next. */
export function unlocksOf({ spirits, classes }: Catalog, xp: number) {
  const { level } = standingOf(xp);
  const things = [
    ...spirits.map((spirit) => ({ kind: "spirit" as const, ...spirit })),
    ...classes.map((item) => ({ kind: "class" as const, ...item, name: item.class_name })),
  ];
  const locked = things
    .filter((thing) => !isUnlocked(thing, ...placeOf(level)))
    .map(({ kind, name, unlock_rank, unlock_level }) => {
      const at = levelThreshold(ranks.indexOf(unlock_rank) * levelsPerRank + unlock_level);
      return { kind, name, rank: unlock_rank, rank_level: unlock_level, xp_missing: at - xp };
    });
  return {
    unlocked_spirits: spirits.filter((spirit) => isUnlocked(spirit, ...placeOf(level))).map(({ name }) => name),
    next_unlocks: locked.toSorted((a, b) => a.xp_missing - b.xp_missing),
  };
}

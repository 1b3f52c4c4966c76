import { isUnlocked, synergyOf } from "../../catalog/rules.ts";
import type { Catalog } from "../../catalog/snapshot.ts";
import { validationError } from "../../kit/errors.ts";
import type { Absence, SpiritFault } from "../constants.ts";
import type { MinionWithCatalog, MinionRow } from "../queries.ts";
import { masteryOf, spiritStandingOf, toolsAtLevel } from "../progression/mastery.ts";
import { maxLevel, rankAndLevel } from "../progression/rules.ts";
import type { MinionSpirit } from "../schemas.ts";

/** Pure functions from a minion's row and the catalog to replies. */

/** How often a minion used a tool of a spirit. */
export type ToolUses = { spirit_id: number; tool_id: number; uses: number };

/** Every spirit with its availability, and the first reason why it cannot be equipped. @param level of the owner */
export function availableSpirits({ catalog, row }: MinionWithCatalog, level: number) {
  const has_free_slot = row.spirits.length < row.slots;
  return catalog.spirits.map((spirit) => {
    const is_unlocked = isUnlocked(spirit, ...rankAndLevel(level));
    const is_owned = row.owned.includes(spirit.id);
    const is_equipped = row.spirits.some(({ spirit_id }) => spirit_id === spirit.id);
    const reason: SpiritFault | null = !is_unlocked
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
      missing: is_equipped ? null : reason,
    };
  });
}

/** @throws validation_failed for unknown spirit IDs */
export function previewSynergy({ catalog, row }: MinionWithCatalog, others: readonly number[]) {
  const unknown = others.filter((id) => !catalog.spirits.some((spirit) => spirit.id === id));
  if (unknown.length > 0)
    throw validationError(unknown.map((id) => ({ path: "with", in: "query", message: `spirit ${id} does not exist` })));
  const active = activeOf(catalog, spiritsOf(catalog, row));
  const previewed = catalog.spirits.filter((spirit) => active.includes(spirit) || others.includes(spirit.id));
  return { synergy: synergyOf(previewed, catalog.affinities), spirits: previewed.map(({ name }) => name) };
}

/** A minion's class, and why some base spirits are not active. @param level of the owner */
export function classOf({ catalog, row }: MinionWithCatalog, level?: number) {
  const known = catalog.classes.find(({ id }) => id === row.class_id);
  if (known === undefined) return { class: null, missing: [] };
  const spirits = spiritsOf(catalog, row);
  const missing = known.base_spirits.flatMap((spirit) => {
    const equipped = spirits.find(({ name }) => name === spirit);
    const code = equipped === undefined ? absence(catalog, spirit, row, level) : equipped.inactive_because;
    return code === null ? [] : [{ spirit, code }];
  });
  return { class: classSummary(known), missing };
}

/** The class fields in a minion's reply. */
export function classSummary({ id, class_name, icon, category, specialization }: Catalog["classes"][number]) {
  return { id, class_name, icon, category, specialization };
}

function absence(catalog: Catalog, name: string, row: MinionWithCatalog["row"], level = maxLevel): Absence {
  const spirit = catalog.spirits.find((candidate) => candidate.name === name);
  if (spirit !== undefined && !isUnlocked(spirit, ...rankAndLevel(level))) return "spirit_locked";
  if (spirit === undefined || !row.owned.includes(spirit.id)) return "spirit_not_owned";
  return row.spirits.length < row.slots ? "spirit_not_equipped" : "spirit_limit_reached";
}

/** The tools of the active spirits. A tool of two spirits is listed twice. */
export function toolsOf({ catalog, row }: MinionWithCatalog, uses: readonly ToolUses[]) {
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

/**
 * The spirits of a minion in order, with the tools of their levels. Spirits beyond the plan's slots, and spirits that
 * the owner may no longer use, stay equipped but are inactive.
 */
export function spiritsOf(catalog: Catalog, { spirits, slots, owned }: MinionRow): MinionSpirit[] {
  const mayUse = new Set(owned);
  return spirits.flatMap(({ spirit_id, position, experience, equipped_at }, index) => {
    const spirit = catalog.spirits.find(({ id }) => id === spirit_id);
    if (spirit === undefined) return [];
    const fault = !mayUse.has(spirit_id) ? "spirit_not_owned" : index >= slots ? "spirit_limit_reached" : null;
    const standing = spiritStandingOf(experience, spirit.max_spirit_level);
    return [
      {
        slug: spirit.slug,
        name: spirit.name,
        icon: spirit.icon,
        category: spirit.category,
        tier: spirit.tier,
        spirit_id,
        position,
        ...standing,
        is_active: fault === null,
        inactive_because: fault,
        tools: toolsAtLevel(spirit.tools, standing.spirit_level),
        equipped_at: new Date(equipped_at),
      },
    ];
  });
}

/** The catalog entries of the active spirits. */
export function activeOf(
  catalog: Catalog,
  spirits: readonly Pick<MinionSpirit, "spirit_id" | "is_active">[],
): Catalog["spirits"] {
  const active = new Set(spirits.filter(({ is_active }) => is_active).map(({ spirit_id }) => spirit_id));
  return catalog.spirits.filter(({ id }) => active.has(id));
}

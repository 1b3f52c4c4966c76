import { synergyOf } from "../catalog/rules.ts";
import type { Catalog } from "../catalog/snapshot.ts";
import { pictureUrl } from "../kit/storage/avatars.ts";
import type { ModelSummary } from "../models/constants.ts";
import { describeModel } from "../models/providers/registry.ts";
import { summaryOf, type DescribedModel } from "../models/queries.ts";
import { spiritStandingOf, toolsAtLevel } from "./progression/mastery.ts";
import { standingOf } from "./progression/rules.ts";
import type { MinionRow } from "./queries.ts";
import type { Minion, MinionSpirit, ScoreOfMinion } from "./schemas.ts";
import { scoreOf, type Score } from "./progression/score.ts";
import { compatibilityOf, compatibilityPercent, traitPoints, traitSlots } from "./spirits/traits.ts";

type CatalogSpirit = Catalog["spirits"][number];

/** A minion as its owner's clients draw it. Its figures follow from its experience, its model and the catalog. */
export function minionOf(catalog: Catalog, row: MinionRow): Minion {
  const { spirits: _rows, slots, owned: _owned, class_id, avatar_key, external_model: _model, ...kept } = row;
  const spirits = spiritsOf(catalog, row);
  const standing = standingOf(experienceOf(row));
  const compatibility = compatibilityOf(kept.traits);
  const summary = modelOf(row);
  const minionClass = catalog.classes.find(({ id }) => id === class_id);
  return {
    ...kept,
    provider: summary?.provider ?? null,
    provider_display_name: summary?.provider_display_name ?? null,
    model_summary: summary,
    class: minionClass === undefined ? null : pick(minionClass, ["id", "class_name", "icon", "category", "specialization"]),
    trait_slots: traitSlots(standing.level),
    trait_points: traitPoints(standing.rank),
    trait_compatibility: compatibility,
    trait_compatibility_percentage: compatibilityPercent(compatibility),
    experience: experienceOf(row),
    ...standing,
    ...scored(row),
    spirits,
    spirit_slots: slots,
    synergy: synergyOf(activeOf(catalog, spirits), catalog.affinities),
    avatar_url: pictureUrl(avatar_key),
  };
}

/** What a minion has gained, of every kind. */
export function experienceOf({
  total_training_xp,
  total_usage_xp,
}: Pick<MinionRow, "total_training_xp" | "total_usage_xp">): number {
  return total_training_xp + total_usage_xp;
}

const unknownModel = { parameters_billions: null, context_length: null, capabilities: [], architecture: null };

/** What is read of a minion to tell its model. */
export type OnModel = { model: string; external_model: DescribedModel | null };

/** The model that a minion is on; null where it is no more. */
export function modelOf({ model, external_model }: OnModel): ModelSummary | null {
  return external_model === null ? (describeModel(model) ?? null) : summaryOf(external_model);
}

/** The score of a minion at an amount of experience. */
export function scoreOn(minion: OnModel, xp: number): Score {
  const { level, rank } = standingOf(xp);
  return scoreOf({ level, xp, rank }, modelOf(minion) ?? unknownModel);
}

export function scored(row: MinionRow): Pick<Minion, "score" | "score_breakdown"> {
  const breakdown = scoreOn(row, experienceOf(row));
  return { score: breakdown.total, score_breakdown: breakdown };
}

export function scoreOfMinion(row: MinionRow): ScoreOfMinion {
  const { id, name, display_name } = row;
  return { id, name, display_name, ...scored(row) };
}

/**
 * The spirits of a minion, in their order, with what each brings at its level. Those beyond the plan's slots, and those that
 * the owner may no longer use, stay equipped and bring nothing.
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
        ...pick(spirit, ["slug", "name", "icon", "category", "tier"]),
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

/** The spirits of the catalog that are at work. */
export function activeOf(catalog: Catalog, spirits: readonly Pick<MinionSpirit, "spirit_id" | "is_active">[]): CatalogSpirit[] {
  const active = new Set(spirits.filter(({ is_active }) => is_active).map(({ spirit_id }) => spirit_id));
  return catalog.spirits.filter(({ id }) => active.has(id));
}

function pick<T extends object, K extends keyof T>(thing: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, thing[key]])) as Pick<T, K>;
}

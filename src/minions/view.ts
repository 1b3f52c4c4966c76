import { synergyOf } from "../catalog/rules.ts";
import type { Catalog } from "../catalog/snapshot.ts";
import { pictureUrl } from "../kit/storage/avatars.ts";
import { levelProgress } from "./progression/rules.ts";
import type { MinionRow, MinionWithCatalog } from "./queries.ts";
import type { Minion } from "./schemas.ts";
import { compatibilityOf, compatibilityPercent, traitPoints, traitSlots } from "./traits/rules.ts";
import { activeOf, spiritsOf, classSummary } from "./spirits/views.ts";
import { experienceOf, scoreFields } from "./progression/views.ts";
import { minionModelSummary } from "./model-summary.ts";

/** The reply shape of a minion. Computed values follow from its experience, its model and the catalog. */
export function toMinion(catalog: Catalog, row: MinionRow): Minion {
  const { spirits: _rows, slots, owned: _owned, class_id, avatar_key, external_model: _model, ...columns } = row;
  const spirits = spiritsOf(catalog, row);
  const standing = levelProgress(experienceOf(row));
  const compatibility = compatibilityOf(columns.traits);
  const summary = minionModelSummary(row);
  const minionClass = catalog.classes.find(({ id }) => id === class_id);
  return {
    ...columns,
    provider: summary?.provider ?? null,
    provider_display_name: summary?.provider_display_name ?? null,
    model_summary: summary,
    class: minionClass === undefined ? null : classSummary(minionClass),
    trait_slots: traitSlots(standing.level),
    trait_points: traitPoints(standing.rank),
    trait_compatibility: compatibility,
    trait_compatibility_percentage: compatibilityPercent(compatibility),
    experience: experienceOf(row),
    ...standing,
    ...scoreFields(row),
    spirits,
    spirit_slots: slots,
    synergy: synergyOf(activeOf(catalog, spirits), catalog.affinities),
    avatar_url: pictureUrl(avatar_key),
  };
}

/** The reply of a route that returns one minion. */
export const minionReply = ({ catalog, row }: MinionWithCatalog) => ({
  success: true as const,
  minion: toMinion(catalog, row),
});

import type * as z from "zod";
import { AppError, validationError, type ValidationIssue } from "../kit/errors.ts";
import { levelsPerRank } from "./constants.ts";
import { isUnlocked, synergyOf, type Synergy } from "./rules.ts";
import type * as schemas from "./schemas.ts";
import type { Catalog } from "./snapshot.ts";

/** The replies of catalog reads: pure functions of the catalog and the validated input. */

type SearchInput = { category?: string | undefined; q?: string | undefined };
type Searchable = { category: string; text: string };

/**
 * Filters by category and text.
 * @throws validation_failed for an unknown category
 */
function search<T>(things: readonly T[], { category, q }: SearchInput, describe: (thing: T) => Searchable): T[] {
  const words = q?.toLowerCase();
  if (category !== undefined && !things.some((thing) => describe(thing).category === category)) {
    const known = [...new Set(things.map((thing) => describe(thing).category))].join(", ");
    throw validationError([{ path: "category", in: "query", message: `is unknown. Known categories: ${known}` }]);
  }
  return things.filter((thing) => {
    const { category: itsCategory, text } = describe(thing);
    return (category === undefined || itsCategory === category) && (words === undefined || text.toLowerCase().includes(words));
  });
}

const named = (thing: { name: string; category: string; description: string }): Searchable => ({
  category: thing.category,
  text: `${thing.name}\n${thing.description}`,
});

function found<T>(thing: T | undefined, what: string): T {
  if (thing === undefined) throw new AppError("not_found", `${what} not found.`);
  return thing;
}

const list = <T>(data: T[]) => ({ success: true as const, data, total: data.length });

// ── spirits ──────────────────────────────────────────────────────────────────

export function spiritList({ spirits }: Catalog, { tier, ...input }: z.output<typeof schemas.SpiritQuery>) {
  return list(search(spirits, input, named).filter((spirit) => tier === undefined || spirit.tier === tier));
}

export function spiritsOfTier(catalog: Catalog, tier: z.output<typeof schemas.TierParam>["tier"], input: SearchInput) {
  return { ...spiritList(catalog, { ...input, tier }), tier };
}

export function spiritsAvailable({ spirits }: Catalog, { rank, level }: z.output<typeof schemas.StandingQuery>) {
  const rankLevel = Math.min(level, levelsPerRank);
  return { ...list(spirits.filter((spirit) => isUnlocked(spirit, rank, rankLevel))), user_rank: rank, user_level: rankLevel };
}

export function spiritById({ spirits }: Catalog, id: number) {
  return found(
    spirits.find((spirit) => spirit.id === id),
    `Spirit ${id}`,
  );
}

/** Finds a spirit by name or slug, case-insensitive: "Writer Spirit", "writer". */
export function spiritByName({ spirits }: Catalog, name: string) {
  const wanted = name.toLowerCase();
  return found(
    spirits.find((spirit) => spirit.slug === wanted || spirit.name.toLowerCase() === wanted),
    `Spirit "${name}"`,
  );
}

export function toolsOfSpirit(catalog: Catalog, id: number) {
  const { tools } = spiritById(catalog, id);
  return { ...list(tools.flatMap((name) => catalog.tools.find((tool) => tool.name === name) ?? [])), spirit_id: id };
}

/** @throws validation_failed, which lists every unknown ID */
export function synergy(
  { spirits, affinities }: Catalog,
  ids: readonly number[],
  where: ValidationIssue["in"],
): { success: true; data: Synergy } {
  const byId = new Map(spirits.map((spirit) => [spirit.id, spirit]));
  const unknown = ids.flatMap((id, index) =>
    byId.has(id) ? [] : [{ path: `spirit_ids.${index}`, in: where, message: `spirit ${id} does not exist` }],
  );
  if (unknown.length > 0) throw validationError(unknown);
  return {
    success: true,
    data: synergyOf(
      ids.flatMap((id) => byId.get(id) ?? []),
      affinities,
    ),
  };
}

export function bundleList({ bundles }: Catalog, { popular, ...input }: z.output<typeof schemas.BundleQuery>) {
  return list(search(bundles, input, named).filter((bundle) => popular === undefined || bundle.is_popular === popular));
}

export function planList({ plans }: Catalog) {
  return list(plans);
}

// ── tools ────────────────────────────────────────────────────────────────────

export function toolList(catalog: Catalog, { kind, ...input }: z.output<typeof schemas.ToolQuery>) {
  const tools = search(catalog.tools, input, named).filter((tool) => kind === undefined || tool.kind === kind);
  return { success: true as const, tools, total: tools.length };
}

export function toolByName({ tools }: Catalog, name: string) {
  return {
    success: true as const,
    tool: found(
      tools.find((tool) => tool.name === name),
      `Tool "${name}"`,
    ),
  };
}

// ── classes and templates ────────────────────────────────────────────────────

export function classList(catalog: Catalog, { user_rank, user_level = 1, ...input }: z.output<typeof schemas.ClassQuery>) {
  const classes = search(catalog.classes, input, ({ class_name, category, specialization }) => ({
    category,
    text: `${class_name}\n${specialization}`,
  })).map((item) => (user_rank === undefined ? item : { ...item, is_unlocked: isUnlocked(item, user_rank, user_level) }));
  return { success: true as const, classes, total: classes.length };
}

/** Whether a rank unlocks a class. @throws not_found */
export function classUnlock(catalog: Catalog, name: string, { user_rank, user_level }: z.output<typeof schemas.UnlockBody>) {
  const item = classByName(catalog, name);
  const { class_name, unlock_rank: required_rank, unlock_level: required_level } = item;
  const can_unlock = isUnlocked(item, user_rank, user_level);
  const message = can_unlock
    ? `${class_name} is unlocked.`
    : `${class_name} is unlocked at ${required_rank}, level ${required_level} of the rank.`;
  return { success: true as const, can_unlock, message, class_name, required_rank, required_level, user_rank, user_level };
}

export function classCategories({ classes }: Catalog) {
  const totals = new Map<string, number>();
  for (const { category } of classes) totals.set(category, (totals.get(category) ?? 0) + 1);
  const categories = Array.from(totals, ([category, total]) => ({ category, total }));
  return { success: true as const, categories, total: categories.length };
}

export function classByName({ classes }: Catalog, name: string) {
  const wanted = name.toLowerCase();
  return found(
    classes.find(({ class_name }) => class_name.toLowerCase() === wanted),
    `Class "${name}"`,
  );
}

export function spiritsOfClass(catalog: Catalog, name: string) {
  const { class_name, base_spirits } = classByName(catalog, name);
  const spirits = base_spirits.map((spirit) => spiritByName(catalog, spirit));
  return { success: true as const, class_name, spirits, total: spirits.length };
}

export function templateList(catalog: Catalog, input: SearchInput) {
  const templates = search(catalog.templates, input, named);
  return { success: true as const, templates, total: templates.length };
}

export function templateById({ templates }: Catalog, id: number) {
  return {
    success: true as const,
    template: found(
      templates.find((template) => template.id === id),
      `Template ${id}`,
    ),
  };
}

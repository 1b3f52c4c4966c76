import type { InferSelectModel } from "drizzle-orm";
import type * as z from "zod";
import { tiers } from "./constants.ts";
import * as rules from "./rules.ts";
import type { Bundle, MinionClass, MinionTemplate, Plan, Spirit, Tool } from "./schemas.ts";
import type * as tables from "./tables.ts";

/** The active rows of the catalog tables, as stored in KV. */
export type CatalogRows = {
  spirits: InferSelectModel<typeof tables.spirits>[];
  affinities: rules.Affinity[];
  tools: InferSelectModel<typeof tables.tools>[];
  bundles: InferSelectModel<typeof tables.bundles>[];
  plans: InferSelectModel<typeof tables.plans>[];
  classes: InferSelectModel<typeof tables.classes>[];
  templates: InferSelectModel<typeof tables.templates>[];
  spirit_tools: InferSelectModel<typeof tables.spiritTools>[];
  bundle_spirits: InferSelectModel<typeof tables.bundleSpirits>[];
  plan_spirits: InferSelectModel<typeof tables.planSpirits>[];
  class_spirits: InferSelectModel<typeof tables.classSpirits>[];
  template_spirits: InferSelectModel<typeof tables.templateSpirits>[];
};

/** The rows and their version. */
export type CatalogCopy = { version: number; rows: CatalogRows };

/** The catalog in its reply shape, with all values computed, as cached in an isolate. */
export type Catalog = {
  version: number;
  spirits: z.output<typeof Spirit>[];
  affinities: rules.Affinity[];
  tools: z.output<typeof Tool>[];
  bundles: z.output<typeof Bundle>[];
  plans: z.output<typeof Plan>[];
  classes: z.output<typeof MinionClass>[];
  templates: z.output<typeof MinionTemplate>[];
};

type SpiritRow = CatalogRows["spirits"][number];
type ToolRow = CatalogRows["tools"][number];

/** The rows with resolved links, each list in order. Links to inactive rows are dropped. */
type Index = {
  rows: CatalogRows;
  spirits: ReadonlyMap<number, SpiritRow>;
  toolsOf: ReadonlyMap<number, ToolRow[]>;
  holdersOf: ReadonlyMap<number, SpiritRow[]>;
  bundles: ReadonlyMap<number, SpiritRow[]>;
  plans: ReadonlyMap<number, SpiritRow[]>;
  classes: ReadonlyMap<number, SpiritRow[]>;
  templates: ReadonlyMap<number, SpiritRow[]>;
};

/** Computes the reply shape from the rows. A pure function. */
export function assembleCatalog({ version, rows }: CatalogCopy): Catalog {
  const index = indexLinks(rows);
  const plans = rows.plans.map((row) => ({ ...row, spirits: index.plans.get(row.id) ?? [] }));
  const freeWithSubscription = rules.spiritsFreeWithSubscription(plans);
  return {
    version,
    affinities: rows.affinities,
    spirits: rows.spirits.map((row) => spiritOf(index, row, freeWithSubscription)),
    tools: rows.tools.map(({ id, name, category, kind, description }) => ({
      id,
      name,
      category,
      kind,
      description,
      spirits: namesOf(index.holdersOf.get(id)),
    })),
    bundles: rows.bundles.map((row) => bundleOf(row, index.bundles.get(row.id) ?? [])),
    plans: plans.map((plan) => ({
      id: plan.id,
      name: plan.name,
      price_usd: rules.dollars(plan.price_cents),
      billing_cycle: plan.billing_cycle,
      free_spirits: namesOf(plan.spirits),
      discount_on_purchases: plan.discount_percent,
      exclusive_spirits: namesOf(rules.exclusiveSpirits(plan, plans)),
      monthly_points: plan.monthly_points,
      max_minions: plan.max_minions,
      max_spirits_per_minion: plan.max_spirits_per_minion,
      features: plan.features,
    })),
    classes: rows.classes.map(({ id, class_name, icon, category, specialization, perfect_for }) => {
      const members = index.classes.get(id) ?? [];
      const named = { id, class_name, icon, category, specialization, perfect_for, base_spirits: namesOf(members) };
      return { ...named, ...figuresOf(index, members) };
    }),
    templates: rows.templates.map(({ id, name, icon, category, description }) => {
      const members = index.templates.get(id) ?? [];
      return { id, name, icon, category, description, spirits: namesOf(members), ...figuresOf(index, members) };
    }),
  };
}

function indexLinks(rows: CatalogRows): Index {
  const spirits = new Map(rows.spirits.map((row) => [row.id, row]));
  const tools = new Map(rows.tools.map((row) => [row.id, row]));
  const spiritOfLink = ({ spirit_id }: { spirit_id: number }) => spirits.get(spirit_id);
  const bySpirit = rows.spirit_tools.toSorted((a, b) => a.spirit_id - b.spirit_id);
  return {
    rows,
    spirits,
    toolsOf: follow(
      rows.spirit_tools,
      (link) => link.spirit_id,
      ({ tool_id }) => tools.get(tool_id),
    ),
    holdersOf: group(bySpirit, (link) => link.tool_id, spiritOfLink),
    bundles: follow(rows.bundle_spirits, (link) => link.bundle_id, spiritOfLink),
    plans: follow(rows.plan_spirits, (link) => link.plan_id, spiritOfLink),
    classes: follow(rows.class_spirits, (link) => link.class_id, spiritOfLink),
    templates: follow(rows.template_spirits, (link) => link.template_id, spiritOfLink),
  };
}

/** The link targets of each owner, by position. */
function follow<L extends { position: number }, T>(
  links: L[],
  ownerOf: (link: L) => number,
  leadsTo: (link: L) => T | undefined,
) {
  return group(
    links.toSorted((a, b) => a.position - b.position),
    ownerOf,
    leadsTo,
  );
}

function group<L, T>(links: L[], ownerOf: (link: L) => number, leadsTo: (link: L) => T | undefined): Map<number, T[]> {
  const found = new Map<number, T[]>();
  for (const link of links) {
    const thing = leadsTo(link);
    if (thing === undefined) continue;
    const list = found.get(ownerOf(link));
    if (list === undefined) found.set(ownerOf(link), [thing]);
    else list.push(thing);
  }
  return found;
}

function spiritOf(index: Index, row: SpiritRow, freeWithSubscription: ReadonlySet<SpiritRow>): Catalog["spirits"][number] {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    category: row.category,
    description: row.description,
    icon: row.icon,
    unlock_rank: row.unlock_rank,
    unlock_level: row.unlock_level,
    max_spirit_level: row.max_spirit_level,
    tools: namesOf(index.toolsOf.get(row.id)),
    synergies: partnersOf(index, row, "synergy_percent"),
    conflicts: partnersOf(index, row, "conflict_percent"),
    price_usd: rules.dollars(row.price_cents),
    price_points: row.price_points,
    is_premium: tiers.indexOf(row.tier) >= tiers.indexOf("professional"),
    free_with_subscription: freeWithSubscription.has(row),
    tier: row.tier,
  };
}

function bundleOf(row: CatalogRows["bundles"][number], parts: SpiritRow[]): Catalog["bundles"][number] {
  const originalCents = parts.reduce((sum, { price_cents }) => sum + price_cents, 0);
  const saved = rules.savings(originalCents, row.price_cents);
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    spirits: namesOf(parts),
    original_price_usd: rules.dollars(originalCents),
    bundle_price_usd: rules.dollars(row.price_cents),
    savings_usd: rules.dollars(saved.cents),
    savings_percentage: saved.percent,
    points_cost: row.price_points,
    category: row.category,
    icon: row.icon,
    is_popular: row.is_popular,
  };
}

/** The partners of a spirit by name, with their synergy or conflict in percent. */
function partnersOf({ rows, spirits }: Index, { id }: SpiritRow, percent: "synergy_percent" | "conflict_percent") {
  const pairs = rows.affinities.flatMap((pair) => {
    const other = pair.spirit_a === id ? pair.spirit_b : pair.spirit_b === id ? pair.spirit_a : undefined;
    const partner = other === undefined ? undefined : spirits.get(other);
    return partner === undefined || pair[percent] === 0 ? [] : [[partner.name, pair[percent]] as const];
  });
  return Object.fromEntries(pairs);
}

/** The computed values of a class or a template, with the same rules as `/spirits/synergy`. */
function figuresOf({ rows, toolsOf }: Index, members: SpiritRow[]) {
  return {
    ...rules.highestUnlock(members),
    ...rules.synergyOf(members, rows.affinities),
    tools: [...new Set(members.flatMap(({ id }) => namesOf(toolsOf.get(id))))],
  };
}

function namesOf(things: readonly { name: string }[] = []): string[] {
  return things.map(({ name }) => name);
}

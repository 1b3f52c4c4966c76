import type { InferSelectModel } from "drizzle-orm";
import type * as z from "zod";
import { tiers } from "./ranks.ts";
import * as rules from "./rules.ts";
import type { Bundle, MinionClass, MinionTemplate, Plan, Spirit, Tool } from "./schemas.ts";
import type * as tables from "./tables.ts";

/** The rows of the catalog, as Postgres holds them: what KV keeps. Retired rows are left out. */
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

/** The rows and the number that moves with them. */
export type CatalogCopy = { version: number; rows: CatalogRows };

/** The catalog as clients see it, with every figure computed: what an isolate keeps. */
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

/** Computes what clients see. Names and orders follow the rows; nothing is read or written. */
export function assembleCatalog({ version, rows }: CatalogCopy): Catalog {
  const spiritById = new Map(rows.spirits.map((row) => [row.id, row]));
  const toolById = new Map(rows.tools.map((row) => [row.id, row]));

  const toolsOf = (spirit: SpiritRow) =>
    linked(
      rows.spirit_tools,
      (link) => link.spirit_id === spirit.id,
      ({ tool_id }) => toolById.get(tool_id),
    );
  const holdersOf = (tool: { id: number }) =>
    rows.spirits.filter(({ id }) => rows.spirit_tools.some((link) => link.spirit_id === id && link.tool_id === tool.id));
  const spiritsIn = <L extends { spirit_id: number; position: number }>(links: L[], belongs: (link: L) => boolean) =>
    linked(links, belongs, ({ spirit_id }) => spiritById.get(spirit_id));

  const plans = rows.plans.map((row) => ({ ...row, spirits: spiritsIn(rows.plan_spirits, (link) => link.plan_id === row.id) }));
  const freeWithSubscription = rules.spiritsFreeWithSubscription(plans);

  const partnersOf = ({ id }: SpiritRow, percent: "synergy_percent" | "conflict_percent") => {
    const pairs = rows.affinities.flatMap((pair) => {
      const other = pair.spirit_a === id ? pair.spirit_b : pair.spirit_b === id ? pair.spirit_a : undefined;
      const partner = other === undefined ? undefined : spiritById.get(other);
      return partner === undefined || pair[percent] === 0 ? [] : [[partner.name, pair[percent]] as const];
    });
    return Object.fromEntries(pairs);
  };

  /** What a class or a template is worth, by the rules that answer `/spirits/synergy`. */
  const figures = (members: SpiritRow[]) => ({
    ...rules.highestUnlock(members),
    ...rules.synergyOf(members, rows.affinities),
    tools: [...new Set(members.flatMap(toolsOf).map(({ name }) => name))],
  });

  return {
    version,
    affinities: rows.affinities,
    spirits: rows.spirits.map((row) => ({
      id: row.id,
      slug: row.slug,
      name: row.name,
      category: row.category,
      description: row.description,
      icon: row.icon,
      unlock_rank: row.unlock_rank,
      unlock_level: row.unlock_level,
      max_spirit_level: row.max_spirit_level,
      tools: namesOf(toolsOf(row)),
      synergies: partnersOf(row, "synergy_percent"),
      conflicts: partnersOf(row, "conflict_percent"),
      price_usd: rules.dollars(row.price_cents),
      price_points: row.price_points,
      is_premium: tiers.indexOf(row.tier) >= tiers.indexOf("professional"),
      free_with_subscription: freeWithSubscription.has(row),
      tier: row.tier,
    })),
    tools: rows.tools.map((row) => ({
      id: row.id,
      name: row.name,
      category: row.category,
      kind: row.kind,
      description: row.description,
      spirits: namesOf(holdersOf(row)),
    })),
    bundles: rows.bundles.map((row) => {
      const parts = spiritsIn(rows.bundle_spirits, (link) => link.bundle_id === row.id);
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
    }),
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
    classes: rows.classes.map((row) => {
      const members = spiritsIn(rows.class_spirits, (link) => link.class_id === row.id);
      return {
        id: row.id,
        class_name: row.class_name,
        icon: row.icon,
        category: row.category,
        specialization: row.specialization,
        perfect_for: row.perfect_for,
        base_spirits: namesOf(members),
        ...figures(members),
      };
    }),
    templates: rows.templates.map((row) => {
      const members = spiritsIn(rows.template_spirits, (link) => link.template_id === row.id);
      return {
        id: row.id,
        name: row.name,
        icon: row.icon,
        category: row.category,
        description: row.description,
        spirits: namesOf(members),
        ...figures(members),
      };
    }),
  };
}

function namesOf(things: readonly { name: string }[]): string[] {
  return things.map(({ name }) => name);
}

/** Follows ordered links to the things they name; a link to a retired thing leads nowhere. */
function linked<L extends { position: number }, T>(
  links: L[],
  belongs: (link: L) => boolean,
  follow: (link: L) => T | undefined,
): T[] {
  return links
    .filter(belongs)
    .toSorted((a, b) => a.position - b.position)
    .flatMap((link) => follow(link) ?? []);
}

import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  type PgColumn,
} from "drizzle-orm/pg-core";
import { isBetween, inList, timestamps } from "../kit/db/columns.ts";
import { billingCycles, levelsPerRank, ranks, tiers, toolKinds } from "./constants.ts";

/** One row: the version, which increments on every change of the catalog. */
export const catalogVersions = pgTable(
  "catalog_versions",
  {
    id: smallint().primaryKey().default(1),
    version: integer().notNull(),
    updated_at: timestamp({ withTimezone: true, mode: "string" }).notNull().defaultNow(),
  },
  (t) => [check("catalog_has_one_version", sql`${t.id} = 1`)],
);

const sharedColumns = {
  id: integer().primaryKey(),
  icon: text().notNull(),
  category: text().notNull(),
  is_active: boolean().notNull().default(true),
  ...timestamps,
};

export const spirits = pgTable(
  "spirits_registry",
  {
    ...sharedColumns,
    description: text().notNull(),
    slug: text().notNull(),
    name: text().notNull(),
    unlock_rank: text({ enum: ranks }).notNull(),
    unlock_level: smallint().notNull(),
    max_spirit_level: smallint().notNull(),
    tier: text({ enum: tiers }).notNull(),
    price_cents: integer().notNull(),
    price_points: integer().notNull(),
  },
  (t) => [
    unique("spirit_slug_taken").on(t.slug),
    unique("spirit_name_taken").on(t.name),
    check("spirit_rank_known", inList(t.unlock_rank, ranks)),
    check("spirit_unlock_level_in_rank", isBetween(t.unlock_level, 1, levelsPerRank)),
    check("spirit_max_level_in_range", isBetween(t.max_spirit_level, 1, 10)),
    check("spirit_tier_known", inList(t.tier, tiers)),
    check("spirit_price_not_negative", sql`${t.price_cents} >= 0 and ${t.price_points} >= 0`),
    check(
      "free_tier_costs_nothing",
      sql`(${t.tier} = 'free') = (${t.price_cents} = 0) and (${t.tier} = 'free') = (${t.price_points} = 0)`,
    ),
  ],
);

/** How two spirits work together, in percent. Symmetric, so a pair is one row with the lower id first. */
export const spiritAffinities = pgTable(
  "spirit_affinities",
  {
    spirit_a: integer()
      .notNull()
      .references(() => spirits.id),
    spirit_b: integer()
      .notNull()
      .references(() => spirits.id),
    synergy_percent: smallint().notNull(),
    conflict_percent: smallint().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.spirit_a, t.spirit_b] }),
    check("affinity_lower_id_first", sql`${t.spirit_a} < ${t.spirit_b}`),
    check("synergy_is_a_percentage", isBetween(t.synergy_percent, 0, 100)),
    check("conflict_is_a_negative_percentage", isBetween(t.conflict_percent, -100, 0)),
    check("affinity_says_something", sql`${t.synergy_percent} <> 0 or ${t.conflict_percent} <> 0`),
  ],
);

export const tools = pgTable(
  "tools_registry",
  {
    id: integer().primaryKey(),
    name: text().notNull(),
    category: text().notNull(),
    kind: text({ enum: toolKinds }).notNull(),
    description: text().notNull(),
    is_active: boolean().notNull().default(true),
    ...timestamps,
  },
  (t) => [unique("tool_name_taken").on(t.name), check("tool_kind_known", inList(t.kind, toolKinds))],
);

export const bundles = pgTable(
  "spirit_bundles",
  {
    ...sharedColumns,
    name: text().notNull(),
    description: text().notNull(),
    price_cents: integer().notNull(),
    price_points: integer().notNull(),
    is_popular: boolean().notNull(),
  },
  (t) => [
    unique("bundle_name_taken").on(t.name),
    check("bundle_price_not_negative", sql`${t.price_cents} >= 0 and ${t.price_points} >= 0`),
  ],
);

export const plans = pgTable(
  "subscription_plans",
  {
    id: integer().primaryKey(),
    name: text().notNull(),
    price_cents: integer().notNull(),
    billing_cycle: text({ enum: billingCycles }).notNull(),
    discount_percent: smallint().notNull(),
    monthly_points: integer().notNull(),
    max_minions: integer().notNull(),
    max_spirits_per_minion: smallint().notNull(),
    features: text().array().notNull(),
    is_active: boolean().notNull().default(true),
    ...timestamps,
  },
  (t) => [
    unique("plan_name_taken").on(t.name),
    check("plan_price_not_negative", sql`${t.price_cents} >= 0`),
    check("plan_billing_cycle_known", inList(t.billing_cycle, billingCycles)),
    check("plan_discount_is_a_percentage", isBetween(t.discount_percent, 0, 100)),
    check("plan_points_not_negative", sql`${t.monthly_points} >= 0`),
    check("plan_minions_unlimited_or_some", sql`${t.max_minions} = -1 or ${t.max_minions} > 0`),
    check("plan_spirits_per_minion_in_range", isBetween(t.max_spirits_per_minion, 1, 5)),
  ],
);

export const classes = pgTable(
  "minion_classes",
  {
    ...sharedColumns,
    class_name: text().notNull(),
    specialization: text().notNull(),
    perfect_for: text().array().notNull(),
  },
  (t) => [unique("class_name_taken").on(t.class_name)],
);

export const templates = pgTable(
  "minion_templates",
  { ...sharedColumns, name: text().notNull(), description: text().notNull() },
  (t) => [unique("template_name_taken").on(t.name)],
);

const spiritId = () =>
  integer()
    .notNull()
    .references(() => spirits.id);

/** The constraints of an ordered list: unique items, unique positions, positions from 1. */
function orderedListConstraints(noun: string, owner: PgColumn, item: PgColumn, position: PgColumn) {
  return [
    primaryKey({ columns: [owner, item] }),
    unique(`${noun}_place_taken`).on(owner, position),
    check(`${noun}_place_from_one`, sql`${position} >= 1`),
  ];
}

export const spiritTools = pgTable(
  "spirit_tools",
  {
    spirit_id: spiritId(),
    tool_id: integer()
      .notNull()
      .references(() => tools.id),
    position: smallint().notNull(),
  },
  (t) => [
    ...orderedListConstraints("spirit_tool", t.spirit_id, t.tool_id, t.position),
    check("spirit_has_four_tools", sql`${t.position} <= 4`),
  ],
);

export const bundleSpirits = pgTable(
  "bundle_spirits",
  {
    bundle_id: integer()
      .notNull()
      .references(() => bundles.id),
    spirit_id: spiritId(),
    position: smallint().notNull(),
  },
  (t) => orderedListConstraints("bundle_spirit", t.bundle_id, t.spirit_id, t.position),
);

export const planSpirits = pgTable(
  "plan_spirits",
  {
    plan_id: integer()
      .notNull()
      .references(() => plans.id),
    spirit_id: spiritId(),
    position: smallint().notNull(),
  },
  (t) => orderedListConstraints("plan_spirit", t.plan_id, t.spirit_id, t.position),
);

export const classSpirits = pgTable(
  "class_spirits",
  {
    class_id: integer()
      .notNull()
      .references(() => classes.id),
    spirit_id: spiritId(),
    position: smallint().notNull(),
  },
  (t) => orderedListConstraints("class_spirit", t.class_id, t.spirit_id, t.position),
);

export const templateSpirits = pgTable(
  "template_spirits",
  {
    template_id: integer()
      .notNull()
      .references(() => templates.id),
    spirit_id: spiritId(),
    position: smallint().notNull(),
  },
  (t) => [
    ...orderedListConstraints("template_spirit", t.template_id, t.spirit_id, t.position),
    check("template_has_five_spirits", sql`${t.position} <= 5`),
  ],
);

import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  date,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { users } from "../auth/tables.ts";
import { classes, spirits, tools } from "../catalog/tables.ts";
import { float4, identityId, inList, isBetween, timestamptz } from "../kit/db/columns.ts";
import { externalModels } from "../models/tables.ts";
import { experienceKinds, maxFallbacks, retrievalMethods, visibilities } from "./constants.ts";

const owner = () => integer().references(() => users.id, { onDelete: "cascade" });

export const minions = pgTable(
  "spirit_minions",
  {
    id: identityId(),
    user_id: owner().notNull(),
    name: text().notNull(),
    display_name: text().notNull(),
    /** A provider's model, for example `builtin/extractive`, or the ID of a model of the owner. */
    model: text().notNull(),
    external_model_id: integer(),
    description: text().notNull().default(""),
    personality: text().notNull().default(""),
    system_prompt: text().notNull().default(""),
    /** Model settings. Null: the model's default. */
    temperature: float4(),
    top_p: float4(),
    max_tokens: integer(),
    rag_enabled: boolean().notNull().default(false),
    knowledge_base_id: integer(),
    top_k: smallint().notNull().default(4),
    similarity_threshold: float4().notNull().default(0),
    retrieval_method: text({ enum: retrievalMethods }).notNull().default("hybrid"),
    citations_enabled: boolean().notNull().default(true),
    class_id: integer().references(() => classes.id),
    /** Intensity by trait. Default of a trait: 0. */
    traits: jsonb().$type<Record<string, number>>().notNull().default({}),
    total_training_xp: integer().notNull().default(0),
    total_usage_xp: integer().notNull().default(0),
    is_favorite: boolean().notNull().default(false),
    visibility: text({ enum: visibilities }).notNull().default("private"),
    /** R2 key of the avatar. */
    avatar_key: text(),
    /** Starts at 1; each update increments it. */
    version: integer().notNull().default(1),
    created_at: timestamptz().notNull().defaultNow(),
    updated_at: timestamptz().notNull().defaultNow(),
    /** When the minion was moved to the trash. */
    deleted_at: timestamptz(),
  },
  (t) => [
    uniqueIndex("minion_display_name_taken")
      .on(t.user_id, sql`lower(${t.display_name})`)
      .where(sql`${t.deleted_at} is null`),
    unique("minion_of_user").on(t.user_id, t.id),
    foreignKey({
      name: "minion_model_owned",
      columns: [t.user_id, t.external_model_id],
      foreignColumns: [externalModels.user_id, externalModels.id],
    }),
    index("minions_by_model")
      .on(t.external_model_id)
      .where(sql`${t.external_model_id} is not null`),
    index("minions_by_experience")
      .on(sql`(${t.total_training_xp} + ${t.total_usage_xp}) desc`, t.id)
      .where(sql`${t.visibility} = 'public' and ${t.deleted_at} is null`),
    index("minions_in_bin")
      .on(t.deleted_at)
      .where(sql`${t.deleted_at} is not null`),
    check("minion_named", sql`${t.name} <> '' and ${t.display_name} <> ''`),
    check("minion_temperature_in_range", isBetween(t.temperature, 0, 2)),
    check("minion_top_p_in_range", isBetween(t.top_p, 0, 1)),
    check("minion_max_tokens_positive", sql`${t.max_tokens} > 0`),
    check("minion_top_k_in_range", isBetween(t.top_k, 1, 20)),
    check("minion_threshold_in_range", isBetween(t.similarity_threshold, 0, 1)),
    check("minion_retrieval_method_known", inList(t.retrieval_method, retrievalMethods)),
    check("minion_visibility_known", inList(t.visibility, visibilities)),
    check("minion_experience_not_negative", sql`${t.total_training_xp} >= 0 and ${t.total_usage_xp} >= 0`),
  ],
);

/** The fallback models of a minion, in order. */
export const minionFallbacks = pgTable(
  "minion_fallbacks",
  {
    minion_id: integer().notNull(),
    /** Position, from 1. */
    position: smallint().notNull(),
    user_id: integer().notNull(),
    /** Same values as `spirit_minions.model`. */
    model: text().notNull(),
    external_model_id: integer(),
  },
  (t) => [
    primaryKey({ columns: [t.minion_id, t.position] }),
    unique("minion_fallback_named_once").on(t.minion_id, t.model),
    foreignKey({
      name: "minion_fallback_of_its_owner",
      columns: [t.user_id, t.minion_id],
      foreignColumns: [minions.user_id, minions.id],
    }).onDelete("cascade"),
    foreignKey({
      name: "minion_fallback_owned",
      columns: [t.user_id, t.external_model_id],
      foreignColumns: [externalModels.user_id, externalModels.id],
    }),
    index("minion_fallbacks_by_model")
      .on(t.external_model_id)
      .where(sql`${t.external_model_id} is not null`),
    check("minion_fallback_place_in_range", isBetween(t.position, 1, maxFallbacks)),
  ],
);

const minionId = () =>
  integer()
    .notNull()
    .references(() => minions.id, { onDelete: "cascade" });

const spiritId = () =>
  integer()
    .notNull()
    .references(() => spirits.id);

/** The spirits that a minion has equipped now or before. An unequipped spirit keeps its experience. */
export const minionSpirits = pgTable(
  "minion_spirits",
  {
    minion_id: minionId(),
    spirit_id: spiritId(),
    /** Position, from 1; null while the spirit is not equipped. */
    position: smallint(),
    /** The sum of the gains. Level bonuses are computed. */
    experience: integer().notNull().default(0),
    equipped_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.minion_id, t.spirit_id] }),
    unique("minion_spirit_place_taken").on(t.minion_id, t.position),
    check("minion_spirit_place_in_range", isBetween(t.position, 1, 5)),
    check("minion_spirit_experience_not_negative", sql`${t.experience} >= 0`),
  ],
);

/** Successful runs of each tool of each spirit of a minion. */
export const spiritMastery = pgTable(
  "spirit_mastery",
  {
    minion_id: minionId(),
    spirit_id: spiritId(),
    tool_id: integer()
      .notNull()
      .references(() => tools.id),
    uses: integer().notNull(),
    last_used_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.minion_id, t.spirit_id, t.tool_id] }),
    foreignKey({
      name: "mastery_of_a_spirit_it_has",
      columns: [t.minion_id, t.spirit_id],
      foreignColumns: [minionSpirits.minion_id, minionSpirits.spirit_id],
    }).onDelete("cascade"),
    check("mastery_counts_uses", sql`${t.uses} > 0`),
  ],
);

/** One row for each grant of experience. */
export const xpEvents = pgTable(
  "xp_events",
  {
    id: identityId(),
    minion_id: minionId(),
    kind: text({ enum: experienceKinds }).notNull(),
    /** Granted experience; 0 if the daily usage limit was reached. */
    xp: integer().notNull(),
    /** The minion's total experience before the grant. */
    xp_before: integer().notNull(),
    reason: text().notNull(),
    /** The source, for example `tool_run` and its ID. */
    source_type: text().notNull(),
    source_id: text().notNull(),
    /** The UTC day of the grant. */
    day: date({ mode: "string" })
      .notNull()
      .default(sql`(now() at time zone 'utc')::date`),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    unique("experience_granted_once").on(t.source_type, t.source_id),
    index("xp_events_of_minion").on(t.minion_id, t.id),
    index("xp_events_by_day")
      .on(t.minion_id, t.day)
      .where(sql`${t.kind} = 'usage'`),
    check("experience_kind_known", inList(t.kind, experienceKinds)),
    check("experience_not_negative", sql`${t.xp} >= 0 and ${t.xp_before} >= 0`),
    check("experience_source_given", sql`${t.source_type} <> '' and ${t.source_id} <> ''`),
  ],
);

/** Experience of permanently deleted minions, so that a user's rank never falls. */
export const retiredExperience = pgTable(
  "retired_experience",
  { user_id: owner().primaryKey(), xp: integer().notNull() },
  (t) => [check("retired_experience_positive", sql`${t.xp} > 0`)],
);

/** Access tokens for single minions. */
export const minionTokens = pgTable(
  "minion_tokens",
  {
    minion_id: minionId().primaryKey(),
    /** SHA-256 of the token, base64url. */
    token_hash: text().notNull(),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [unique("minion_token_taken").on(t.token_hash)],
);

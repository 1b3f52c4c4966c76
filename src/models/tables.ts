import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { users } from "../auth/tables.ts";
import { isBetween, inList, timestamptz, identityId, createdUpdatedAt } from "../kit/db/columns.ts";
import { callOutcomes, callPurposes } from "./constants.ts";
import type { UsageRecord } from "./gateway/usage-record.ts";
import type { ProviderName } from "./providers/providers.ts";

const owner = () => integer().references(() => users.id, { onDelete: "cascade" });

/** What users call models that a provider runs by, with the keys that they pay with. */
export const externalModels = pgTable(
  "external_models",
  {
    id: identityId(),
    user_id: owner().notNull(),
    name: text().notNull(),
    display_name: text().notNull(),
    description: text().notNull().default(""),
    provider: text().$type<ProviderName>().notNull(),
    /** What the provider calls it. */
    model_id: text().notNull(),
    /** Where the provider is reached; null for the provider's own address. */
    base_url: text(),
    /** As it was said: `"70B"`, or an object. */
    parameters: jsonb().$type<string | Record<string, unknown>>(),
    context_length: integer(),
    max_tokens: integer(),
    quantization: text(),
    architecture: text(),
    license: text(),
    embedding_length: integer(),
    /** What it is asked with; null leaves it to the provider. */
    temperature: real(),
    top_p: real(),
    system_prompt: text().notNull().default(""),
    capabilities: text().array().notNull().default([]),
    tags: text().array().notNull().default([]),
    is_active: boolean().notNull().default(true),
    is_favorite: boolean().notNull().default(false),
    /** Where its picture is, in R2. */
    avatar_key: text(),
    /** The key of its owner at the provider, sealed under their data key and bound to this random reference. */
    key_sealed: text(),
    key_ref: text(),
    /** To recognise the key by; empty for one that is too short to tell any of. */
    key_last_four: text(),
    /** When the provider turned the key away; null since it worked, or was given anew. */
    key_rejected_at: timestamptz(),
    /** How often it was edited, counted from one. */
    version: integer().notNull().default(1),
    ...createdUpdatedAt,
  },
  (t) => [
    // What minions refer to, so that nobody's minion has somebody else's model.
    unique("external_model_of_user").on(t.user_id, t.id),
    uniqueIndex("model_display_name_taken").on(t.user_id, sql`lower(${t.display_name})`),
    check("model_named", sql`${t.name} <> '' and ${t.display_name} <> '' and ${t.model_id} <> ''`),
    check("model_temperature_in_range", isBetween(t.temperature, 0, 2)),
    check("model_top_p_in_range", isBetween(t.top_p, 0, 1)),
    check("model_lengths_positive", sql`${t.context_length} > 0 and ${t.max_tokens} > 0 and ${t.embedding_length} > 0`),
    check("model_key_whole", sql`num_nonnulls(${t.key_sealed}, ${t.key_ref}, ${t.key_last_four}) in (0, 3)`),
  ],
);

/** The key under which the secrets of one user are sealed: destroyed, they are gone wherever they were copied. */
export const userDataKeys = pgTable(
  "user_data_keys",
  {
    user_id: owner().primaryKey(),
    /** Of the secret that it is wrapped under. */
    version: integer().notNull(),
    wrapped: text().notNull(),
  },
  (t) => [index("data_keys_by_version").on(t.version)],
);

const rate = () => bigint({ mode: "number" });

/** What providers published that their models cost, by the day it was first seen, in micro-dollars for a million tokens. */
export const modelPrices = pgTable(
  "model_prices",
  {
    provider: text().$type<ProviderName>().notNull(),
    model_id: text().notNull(),
    from: date({ mode: "string" }).notNull(),
    input: rate().notNull(),
    output: rate().notNull(),
    /** Null where it costs what the input does. */
    cache_read: rate(),
    cache_write: rate(),
    shutdown_on: date({ mode: "string" }),
    as_of: date({ mode: "string" }).notNull(),
    source: text().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.provider, t.model_id, t.from] }),
    check("price_not_negative", sql`least(${t.input}, ${t.output}, ${t.cache_read}, ${t.cache_write}) >= 0`),
  ],
);

const tokens = () => integer().notNull();

/** Every call to a model: what it used, what that costs at list price, and how it ended. */
export const modelCalls = pgTable(
  "model_calls",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedByDefaultAsIdentity(),
    user_id: owner().notNull(),
    external_model_id: integer().references(() => externalModels.id, { onDelete: "set null" }),
    /** Of a later feature, so no foreign key: what was used stays when the minion is gone. */
    minion_id: integer(),
    purpose: text({ enum: callPurposes }).notNull(),
    /** The model that answered, or else the one that was asked last. */
    provider: text().notNull(),
    model_id: text().notNull(),
    outcome: text({ enum: callOutcomes }).notNull(),
    error_code: text().$type<UsageRecord["error_code"]>(),
    input_tokens: tokens(),
    output_tokens: tokens(),
    cache_read_tokens: tokens(),
    cache_write_tokens: tokens(),
    is_estimated: boolean().notNull(),
    /** In millionths of a dollar; null where no price is known. */
    cost_micro_usd: bigint({ mode: "number" }),
    latency_ms: integer().notNull(),
    first_token_ms: integer(),
    attempts: jsonb().$type<UsageRecord["attempts"]>().notNull(),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    index("model_calls_of_user").on(t.user_id, t.created_at),
    index("model_calls_of_model").on(t.external_model_id),
    check("call_purpose_known", inList(t.purpose, callPurposes)),
    check("call_outcome_known", inList(t.outcome, callOutcomes)),
    check(
      "call_counts_not_negative",
      sql`least(${t.input_tokens}, ${t.output_tokens}, ${t.cache_read_tokens},
      ${t.cache_write_tokens}, ${t.latency_ms}, ${t.first_token_ms}, ${t.cost_micro_usd}) >= 0`,
    ),
  ],
);

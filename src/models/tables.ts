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
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { users } from "../auth/tables.ts";
import { createdUpdatedAt, float4, identityId, inList, isBetween, timestamptz } from "../kit/db/columns.ts";
import { callOutcomes, callPurposes, type Quirks } from "./constants.ts";
import type { UsageRecord } from "./gateway/usage-record.ts";
import type { ProviderName } from "./providers/providers.ts";

const owner = () => integer().references(() => users.id, { onDelete: "cascade" });

/** The users' connections to models of providers, with their API keys. */
export const externalModels = pgTable(
  "external_models",
  {
    id: identityId(),
    user_id: owner().notNull(),
    name: text().notNull(),
    display_name: text().notNull(),
    description: text().notNull().default(""),
    provider: text().$type<ProviderName>().notNull(),
    /** The provider's ID of the model. */
    model_id: text().notNull(),
    /** The base URL; null for the provider's default. */
    base_url: text(),
    /** As entered: `"70B"`, or an object. */
    parameters: jsonb().$type<string | Record<string, unknown>>(),
    context_length: integer(),
    max_tokens: integer(),
    quantization: text(),
    architecture: text(),
    license: text(),
    embedding_length: integer(),
    /** The temperature of calls; null for the default of the provider. */
    temperature: float4(),
    top_p: float4(),
    system_prompt: text().notNull().default(""),
    capabilities: text().array().notNull().default([]),
    tags: text().array().notNull().default([]),
    is_active: boolean().notNull().default(true),
    is_favorite: boolean().notNull().default(false),
    /** The key of the picture in R2. */
    avatar_key: text(),
    /** The owner's API key, sealed with their data key and bound to the random reference `key_ref`. */
    key_sealed: text(),
    key_ref: text(),
    /** The last characters of the key; empty if the key is too short to show any. */
    key_last_four: text(),
    /** How the server differs from its protocol. */
    quirks: jsonb().$type<Quirks>().notNull().default({}),
    /** When the provider rejected the key; null after the key worked or was replaced. */
    key_rejected_at: timestamptz(),
    /** The number of edits plus one. */
    version: integer().notNull().default(1),
    ...createdUpdatedAt,
  },
  (t) => [
    // Minions reference this pair, so a minion can only use a model of its owner.
    unique("external_model_of_user").on(t.user_id, t.id),
    uniqueIndex("model_display_name_taken").on(t.user_id, sql`lower(${t.display_name})`),
    check("model_named", sql`${t.name} <> '' and ${t.display_name} <> '' and ${t.model_id} <> ''`),
    check("model_temperature_in_range", isBetween(t.temperature, 0, 2)),
    check("model_top_p_in_range", isBetween(t.top_p, 0, 1)),
    check("model_lengths_positive", sql`${t.context_length} > 0 and ${t.max_tokens} > 0 and ${t.embedding_length} > 0`),
    check("model_key_whole", sql`num_nonnulls(${t.key_sealed}, ${t.key_ref}, ${t.key_last_four}) in (0, 3)`),
  ],
);

/** The data key that seals the secrets of one user. Without it, no copy of the secrets can be read. */
export const userDataKeys = pgTable(
  "user_data_keys",
  {
    user_id: owner().primaryKey(),
    /** The version of the secret that wraps the key. */
    version: integer().notNull(),
    wrapped: text().notNull(),
  },
  (t) => [index("data_keys_by_version").on(t.version)],
);

const rate = () => bigint({ mode: "number" });

/** Prices published by providers, by the day they were first seen, in micro-dollars per million tokens. */
export const modelPrices = pgTable(
  "model_prices",
  {
    provider: text().$type<ProviderName>().notNull(),
    model_id: text().notNull(),
    from: date({ mode: "string" }).notNull(),
    input: rate().notNull(),
    output: rate().notNull(),
    /** Null if the price equals that of the input. */
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

/** The calls to models: usage, cost at list price and outcome. */
export const modelCalls = pgTable(
  "model_calls",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedByDefaultAsIdentity(),
    user_id: owner().notNull(),
    external_model_id: integer().references(() => externalModels.id, { onDelete: "set null" }),
    /** No foreign key, because minions are a later feature. The row remains when the minion is deleted. */
    minion_id: integer(),
    purpose: text({ enum: callPurposes }).notNull(),
    /** The model that answered, otherwise the last one called. */
    provider: text().notNull(),
    model_id: text().notNull(),
    outcome: text({ enum: callOutcomes }).notNull(),
    error_code: text().$type<UsageRecord["error_code"]>(),
    input_tokens: tokens(),
    output_tokens: tokens(),
    cache_read_tokens: tokens(),
    cache_write_tokens: tokens(),
    is_estimated: boolean().notNull(),
    /** In micro-dollars; null if no price is known. */
    cost_micro_usd: bigint({ mode: "number" }),
    latency_ms: integer().notNull(),
    first_token_ms: integer(),
    attempts: jsonb().$type<UsageRecord["attempts"]>().notNull(),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    index("model_calls_of_user").on(t.user_id, t.created_at),
    // A block range index: tiny, since rows are written in the order of time.
    index("model_calls_by_creation").using("brin", t.created_at),
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

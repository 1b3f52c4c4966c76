import { sql, type SQL } from "drizzle-orm";
import {
  type AnyPgColumn,
  bigint,
  check,
  customType,
  foreignKey,
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
import { isBetween, inList, timestamptz, identityId, createdUpdatedAt } from "../kit/db/columns.ts";
import { externalModels } from "../models/tables.ts";
import {
  buildStatuses,
  chunkStrategies,
  halfPrecisionAbove,
  indexedDimensions,
  maxDimensions,
  updateStrategies,
} from "./constants.ts";

/** The knowledge bases that a user's minions search. All vectors of one come from one model. */
export const knowledgeBases = pgTable(
  "knowledge_bases",
  {
    id: identityId(),
    user_id: integer()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text().notNull(),
    description: text().notNull().default(""),
    /** A provider's model, like `builtin/hashing-384`, or the ID of a model of the owner. Immutable. */
    embedding_model: text().notNull(),
    external_model_id: integer(),
    /** Null until the first embedding; immutable after it. */
    dimensions: integer(),
    /** The build that is searched. */
    active_build_id: integer(),
    /** The build to roll back to. */
    previous_build_id: integer(),
    /** The number of edits plus one. */
    version: integer().notNull().default(1),
    ...createdUpdatedAt,
  },
  (t) => [
    uniqueIndex("knowledge_base_name_taken").on(t.user_id, sql`lower(${t.name})`),
    // Minions reference this pair, so a minion can only use a knowledge base of its owner.
    unique("knowledge_base_of_user").on(t.user_id, t.id),
    unique("knowledge_base_dimensions").on(t.id, t.dimensions),
    foreignKey({
      name: "knowledge_base_model_owned",
      columns: [t.user_id, t.external_model_id],
      foreignColumns: [externalModels.user_id, externalModels.id],
    }),
    foreignKey({
      name: "knowledge_base_active_build",
      columns: [t.id, t.active_build_id],
      foreignColumns: [knowledgeBuilds.knowledge_base_id, knowledgeBuilds.id],
    }),
    foreignKey({
      name: "knowledge_base_previous_build",
      columns: [t.id, t.previous_build_id],
      foreignColumns: [knowledgeBuilds.knowledge_base_id, knowledgeBuilds.id],
    }),
    index("knowledge_bases_by_model")
      .on(t.external_model_id)
      .where(sql`${t.external_model_id} is not null`),
    check("knowledge_base_named", sql`${t.name} <> ''`),
    check("knowledge_base_dimensions_in_range", isBetween(t.dimensions, 1, maxDimensions)),
    check("knowledge_base_builds_differ", sql`${t.active_build_id} <> ${t.previous_build_id}`),
  ],
);

/** A version of a knowledge base, as a list of parts. It is searched only when it is complete. */
export const knowledgeBuilds = pgTable(
  "knowledge_builds",
  {
    id: identityId(),
    knowledge_base_id: integer()
      .notNull()
      .references((): AnyPgColumn => knowledgeBases.id, { onDelete: "cascade" }),
    status: text({ enum: buildStatuses }).notNull().default("building"),
    update_strategy: text({ enum: updateStrategies }).notNull(),
    /** The number of consecutive provider failures. */
    failures: integer().notNull().default(0),
    /** The reason of the failure, as a sentence for the user. */
    error: text(),
    created_at: timestamptz().notNull().defaultNow(),
    finished_at: timestamptz(),
  },
  (t) => [
    unique("knowledge_build_of_base").on(t.knowledge_base_id, t.id),
    uniqueIndex("knowledge_base_busy")
      .on(t.knowledge_base_id)
      .where(sql`${t.status} = 'building'`),
    check("knowledge_build_status_known", inList(t.status, buildStatuses)),
    check("knowledge_build_update_strategy_known", inList(t.update_strategy, updateStrategies)),
    check("knowledge_build_failed_for_a_reason", sql`(${t.status} = 'failed') = (${t.error} is not null)`),
  ],
);

/** One dataset, chunked and embedded for one knowledge base. Builds share parts. A complete part is immutable. */
export const knowledgeParts = pgTable(
  "knowledge_parts",
  {
    id: identityId(),
    knowledge_base_id: integer()
      .notNull()
      .references(() => knowledgeBases.id, { onDelete: "cascade" }),
    /** No foreign key: the chunks remain when the dataset is deleted. */
    dataset_id: integer().notNull(),
    name: text().notNull(),
    strategy: text({ enum: chunkStrategies }).notNull(),
    chunk_size: integer().notNull(),
    chunk_overlap: integer().notNull(),
    /** The dimensions of the knowledge base; null until the first chunk. */
    dimensions: integer(),
    /** The last row of the dataset whose chunks are all stored; −1 before the first. */
    last_row: integer().notNull().default(-1),
    chunk_count: integer().notNull().default(0),
    /** The number of chunks whose vectors were reused from the previous build. */
    reused_count: integer().notNull().default(0),
    /** The number of chunks whose terms are in the postings. */
    analyzed_count: integer().notNull().default(0),
    /** The sum of the lengths of these chunks, in words. */
    word_count: integer().notNull().default(0),
    /** The languages of these chunks. */
    languages: text().array().notNull().default([]),
    /** The version of the analyzer, once the postings are complete. Null: the part is older, and searched by `words`. */
    analyzer_version: integer(),
    completed_at: timestamptz(),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    unique("knowledge_part_dimensions").on(t.id, t.dimensions),
    foreignKey({
      name: "knowledge_part_dimensions_of_base",
      columns: [t.knowledge_base_id, t.dimensions],
      foreignColumns: [knowledgeBases.id, knowledgeBases.dimensions],
    }),
    index("knowledge_parts_of_base").on(t.knowledge_base_id),
    check("knowledge_part_strategy_known", inList(t.strategy, chunkStrategies)),
    check("knowledge_part_chunk_size_in_range", isBetween(t.chunk_size, 100, 2_000)),
    check("knowledge_part_chunk_overlap_in_range", sql`${t.chunk_overlap} between 0 and least(200, ${t.chunk_size} / 2)`),
    check("knowledge_part_analyzed", sql`${t.analyzer_version} is null or ${t.analyzed_count} = ${t.chunk_count}`),
    check("knowledge_part_counts_not_negative", sql`${t.chunk_count} >= ${t.reused_count} and ${t.reused_count} >= 0`),
  ],
);

export const knowledgeBuildParts = pgTable(
  "knowledge_build_parts",
  {
    build_id: integer()
      .notNull()
      .references(() => knowledgeBuilds.id, { onDelete: "cascade" }),
    part_id: integer()
      .notNull()
      .references(() => knowledgeParts.id, { onDelete: "cascade" }),
    /** The position of the part in the build, from 1. */
    position: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.build_id, t.part_id] }),
    unique("knowledge_build_place_taken").on(t.build_id, t.position),
    index("knowledge_builds_of_part").on(t.part_id),
  ],
);

/** A vector of any length. Each index covers vectors of one length. */
const vectorOfAnyLength = customType<{ data: readonly number[]; driverData: string }>({
  dataType: () => "vector",
  toDriver: (numbers) => `[${numbers.join(",")}]`,
  fromDriver: (list) => JSON.parse(list) as number[],
});

const tsvector = customType<{ data: string }>({ dataType: () => "tsvector" });

/** The expression that compares a vector column. The indexes use the same expression. */
export function comparable(embedding: SQL | AnyPgColumn, dimensions: number): SQL {
  const type = dimensions > halfPrecisionAbove ? "halfvec" : "vector";
  return sql`(${embedding}::${sql.raw(`${type}(${dimensions})`)})`;
}

/** A chunk of a text, searched by vector and by words. Immutable. */
export const knowledgeChunks = pgTable(
  "knowledge_chunks",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedByDefaultAsIdentity(),
    part_id: integer().notNull(),
    /** The position of the chunk in the part, from 0. */
    position: integer().notNull(),
    text: text().notNull(),
    /** The path of headings above the chunk. */
    heading: text(),
    /** The header row of the table that the chunk starts inside. */
    table_header: text(),
    /** The source of the chunk: `handbook.md`, `faq.csv#12`. */
    source: text().notNull(),
    /** Offsets in the text of the source, in UTF-16 units. */
    start: integer().notNull(),
    end: integer().notNull(),
    kind: text().notNull(),
    /** The short fields of the row, besides its text. */
    fields: jsonb().$type<Record<string, string | number | boolean>>(),
    /** The hash of the embedded text. */
    content_hash: text().notNull(),
    dimensions: integer().notNull(),
    embedding: vectorOfAnyLength().notNull(),
    words: tsvector().generatedAlwaysAs(
      (): SQL => sql`to_tsvector('english', coalesce(${knowledgeChunks.heading}, '') || ' ' || ${knowledgeChunks.text})`,
    ),
  },
  (t) => [
    unique("knowledge_chunk_place_taken").on(t.part_id, t.position),
    // Through its part, a vector must have the dimensions of its knowledge base.
    foreignKey({
      name: "knowledge_chunk_dimensions",
      columns: [t.part_id, t.dimensions],
      foreignColumns: [knowledgeParts.id, knowledgeParts.dimensions],
    }).onDelete("cascade"),
    index("knowledge_chunks_by_content").on(t.part_id, t.content_hash),
    index("knowledge_chunks_by_words").using("gin", t.words),
    ...indexedDimensions.map((dimensions) =>
      index(`knowledge_chunks_by_vector_${dimensions}`)
        .using(
          "hnsw",
          sql`${comparable(sql`embedding`, dimensions)} ${sql.raw(dimensions > halfPrecisionAbove ? "halfvec_cosine_ops" : "vector_cosine_ops")}`,
        )
        .where(sql`${t.dimensions} = ${sql.raw(String(dimensions))}`),
    ),
    check("knowledge_chunk_dimensions_true", sql`vector_dims(${t.embedding}) = ${t.dimensions}`),
    check("knowledge_chunk_span", sql`${t.start} >= 0 and ${t.end} > ${t.start}`),
    check("knowledge_chunk_not_empty", sql`${t.text} <> ''`),
  ],
);

/**
 * The inverted index of a part: which of its chunks contain a term, and how often. It is written in blocks of consecutive chunks, each
 * in one commit or several. The primary key finds the blocks of a term in one index scan.
 */
export const knowledgePostings = pgTable(
  "knowledge_postings",
  {
    part_id: integer()
      .notNull()
      .references(() => knowledgeParts.id, { onDelete: "cascade" }),
    /** See the analyzer. */
    term: text().notNull(),
    /** The position of the first chunk of the block. */
    block: integer().notNull(),
    /** The number of chunks of the block that contain the term. */
    chunk_count: integer().notNull(),
    /** See `packPosting`. */
    postings: bigint({ mode: "number" }).array().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.part_id, t.term, t.block] }),
    check("knowledge_posting_count", sql`${t.chunk_count} = cardinality(${t.postings}) and ${t.chunk_count} > 0`),
  ],
);

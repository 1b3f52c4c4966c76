import { sql } from "drizzle-orm";
import {
  bigint,
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
import { isBetween, inList, timestamptz, identityId, createdUpdatedAt } from "../kit/db/columns.ts";
import { datasetTypes, processingStatuses, type refreshModes, type websiteKinds } from "./constants.ts";
import type { Format } from "./formats/registry.ts";
import type { RowProblem } from "./formats/types.ts";
import type { Report } from "./schemas.ts";

const owner = () =>
  integer()
    .notNull()
    .references(() => users.id, { onDelete: "cascade" });

const datasetId = () => integer().notNull();

/** A part of a dataset's rows: its R2 key and its number of rows. */
export type RowsPart = { key: string; rows: number };

/** A problem of imported rows that are stored as empty lines. Positions start at 1 and continue over all files. */
type MissingRows = Pick<RowProblem, "code" | "message"> & { position: readonly number[] };

/** A file of a dataset in R2. An import has one file per page. */
export type StoredFile = { key: string; size: number; problems?: readonly MissingRows[] };

/** How Hugging Face rows are fetched: page by page, or from the Parquet files of its dataset server. */
export type HfSource = "rows" | "parquet";

/** The import of a Hugging Face dataset. `next_offset` is the next row to fetch; null when complete. */
export type HfImport = {
  dataset_id: string;
  config: string;
  split: string;
  limit: number;
  next_offset: number | null;
  /** The remaining methods, the current one first; undefined until the split is known. */
  ways?: readonly HfSource[];
  /** Why the server rejected fetching page by page. */
  refusal?: string;
  /** The dataset server has only the beginning of the split. */
  partial?: boolean;
  /** The last retryable error of the job. */
  trouble?: string;
};

export type WebsiteKind = (typeof websiteKinds)[number];

/** A website as the source of a dataset. */
export type Website = {
  url: string;
  /** What the URL is; null until its content shows it. */
  kind: WebsiteKind | null;
  refresh: (typeof refreshModes)[number];
  /** The run whose pages are the rows of the dataset; 0 before the first. */
  run: number;
  /** The run that reads the website at the moment. */
  next_run: number | null;
  /** What the owner should know about the list of pages of the next run; null until its pages are listed. */
  notes: readonly string[] | null;
  /** Why the last run failed, as a sentence. */
  error: string | null;
};

export const datasets = pgTable(
  "datasets",
  {
    id: identityId(),
    user_id: owner(),
    name: text().notNull(),
    description: text().notNull().default(""),
    type: text({ enum: datasetTypes }).notNull().default("upload"),
    /** The file format; null until a Hugging Face dataset is fetched. */
    format: text().$type<Format>(),
    /** Number of parsed rows. */
    sample_count: integer().notNull().default(0),
    /** In bytes. */
    file_size: bigint({ mode: "number" }).notNull().default(0),
    /** SHA-256 of the file, in hexadecimal. */
    file_hash: text(),
    quality_score: smallint(),
    processing_status: text({ enum: processingStatuses }).notNull().default("pending"),
    /** Number of rows parsed so far. */
    processed_items: integer().notNull().default(0),
    /** Why processing failed, as a sentence. */
    error: text(),
    is_active: boolean().notNull().default(true),
    is_public: boolean().notNull().default(false),
    usage_count: integer().notNull().default(0),
    last_used: timestamptz(),
    tags: text().array().notNull().default([]),
    /** The origin: a file name or a URL. */
    source: text().notNull().default(""),
    /** The license that the source of an import states. */
    license: text(),
    /** The R2 prefix of all its objects. */
    folder: text().notNull().default(""),
    files: jsonb().$type<readonly StoredFile[]>().notNull().default([]),
    hub: jsonb().$type<HfImport>(),
    website: jsonb().$type<Website>(),
    /** When a website was last read without an error as a whole, and when it is read next. */
    last_refreshed_at: timestamptz(),
    next_refresh_at: timestamptz(),
    /** Its rows as JSON Lines, in order, with dropped rows marked. Empty until the dataset is ready. */
    parts: jsonb().$type<readonly RowsPart[]>().notNull().default([]),
    report: jsonb().$type<Report>(),
    /** Starts at 1; each update increments it. */
    version: integer().notNull().default(1),
    ...createdUpdatedAt,
  },
  (t) => [
    index("datasets_of_user").on(t.user_id, t.id),
    index("datasets_public")
      .on(t.id)
      .where(sql`${t.is_public}`),
    index("datasets_by_refresh")
      .on(t.next_refresh_at)
      .where(sql`${t.next_refresh_at} is not null`),
    uniqueIndex("dataset_uploaded_before")
      .on(t.user_id, t.file_hash)
      .where(sql`${t.type} = 'upload' and ${t.processing_status} <> 'failed'`),
    check("dataset_status_known", inList(t.processing_status, processingStatuses)),
    check("dataset_type_known", inList(t.type, datasetTypes)),
    check("dataset_named", sql`${t.name} <> ''`),
    check("dataset_quality_in_range", isBetween(t.quality_score, 0, 100)),
    check(
      "dataset_counts_not_negative",
      sql`least(${t.sample_count}, ${t.file_size}, ${t.processed_items}, ${t.usage_count}) >= 0`,
    ),
  ],
);

/** The pages of websites, by run. The runs are the one that the dataset has, and the one that is going on. */
export const datasetPages = pgTable(
  "dataset_pages",
  {
    dataset_id: datasetId().references(() => datasets.id, { onDelete: "cascade" }),
    run: integer().notNull(),
    /** The position of the page in its website, from 1. */
    position: smallint().notNull(),
    url: text().notNull(),
    title: text().notNull().default(""),
    /** Its rows as JSON Lines in R2, and their SHA-256; null if the page has none. */
    key: text(),
    size: integer().notNull().default(0),
    hash: text(),
    /** The validators of its last response. */
    etag: text(),
    last_modified: text(),
    /** Why the page could not be read, as a code and a sentence. It can have rows of an earlier run nevertheless. */
    problem: text(),
    detail: text(),
    /** When the page was fetched; null until then. */
    fetched_at: timestamptz(),
  },
  (t) => [
    primaryKey({ columns: [t.dataset_id, t.run, t.position] }),
    unique("dataset_page_listed_once").on(t.dataset_id, t.run, t.url),
    check("dataset_page_rows_hashed", sql`(${t.key} is null) = (${t.hash} is null)`),
    check("dataset_page_problem_explained", sql`(${t.problem} is null) = (${t.detail} is null)`),
  ],
);

/** How many pages the websites of a user fetched on a UTC day. */
export const pageQuotas = pgTable(
  "dataset_page_quotas",
  { user_id: owner().primaryKey(), day: date().notNull(), pages: integer().notNull() },
  (t) => [check("dataset_page_quota_not_negative", sql`${t.pages} >= 0`)],
);

/** The favorite datasets of users. */
export const datasetFavorites = pgTable(
  "dataset_favorites",
  {
    user_id: owner(),
    dataset_id: datasetId().references(() => datasets.id, { onDelete: "cascade" }),
  },
  (t) => [primaryKey({ columns: [t.user_id, t.dataset_id] }), index("dataset_favorites_of_dataset").on(t.dataset_id)],
);

/** By what datasets are read at the moment: until it lets go of them, they cannot be deleted. */
export const datasetUses = pgTable("dataset_uses", { dataset_id: datasetId(), used_by: text().notNull() }, (t) => [
  primaryKey({ columns: [t.dataset_id, t.used_by] }),
  foreignKey({ name: "dataset_in_use", columns: [t.dataset_id], foreignColumns: [datasets.id] }).onDelete("restrict"),
  index("dataset_uses_by_user").on(t.used_by),
]);

/** Files that come in parts, until all of them are there. */
export const datasetUploads = pgTable(
  "dataset_uploads",
  {
    id: identityId(),
    user_id: owner(),
    name: text().notNull(),
    description: text().notNull().default(""),
    file_name: text().notNull(),
    /** Of the whole file, in bytes. */
    size: bigint({ mode: "number" }).notNull(),
    /** Those that are there, by their number from 1. */
    parts: jsonb().$type<Record<string, { key: string; size: number; sha256: string }>>().notNull().default({}),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    index("dataset_uploads_of_user").on(t.user_id),
    index("dataset_uploads_by_age").on(t.created_at),
    check("dataset_upload_size_positive", sql`${t.size} > 0`),
  ],
);

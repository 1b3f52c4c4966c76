import * as z from "zod";
import { Id, IdParamValue, Timestamp, NextCursor, IntegerParam, ok, TotalCount } from "../kit/http/zod-schemas.ts";
import {
  datasetTypes,
  dropReasons,
  maxFileBytes,
  maxUploadBytes,
  partBytes,
  processingStatuses,
  rowKinds,
  maxShown,
} from "./constants.ts";
import { formatNames } from "./formats/registry.ts";
import { rowProblemCodes } from "./formats/types.ts";

// ── what requests carry ──────────────────────────────────────────────────────

const Name = z.string().trim().min(1).max(120);
const Description = z.string().trim().max(2_000);
const Tag = z.string().trim().min(1).max(40);

export const DatasetsQuery = z.object({
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(100).meta({ description: "How many at most" }),
  cursor: IdParamValue.optional().meta({ description: "`next_cursor` of the page before" }),
});

export const UploadFields = z.object({
  name: Name.optional().meta({ description: "The file's name, if left out" }),
  description: Description.optional(),
});
export type UploadFields = z.output<typeof UploadFields>;

export const NewUpload = z.object({
  file_name: z.string().trim().min(1).max(255).meta({ example: "articles.jsonl" }),
  size: z
    .int()
    .min(maxUploadBytes + 1, "a file of this size is sent at once")
    .max(maxFileBytes, `a file may have at most ${maxFileBytes} bytes`)
    .meta({ description: "Of the whole file, in bytes", example: 25_000_000 }),
  name: Name.optional().meta({ description: "Of the dataset; the file's name, if left out" }),
  description: Description.optional(),
});
export type NewUpload = z.output<typeof NewUpload>;

export const PartParams = z.object({
  id: IdParamValue,
  part: IntegerParam.pipe(
    z
      .int()
      .min(1)
      .max(Math.ceil(maxFileBytes / partBytes)),
  ),
});

/** `squad`, or `rajpurkar/squad`: nothing that could be another path. */
const HubId = z
  .string()
  .regex(/^(?:[\w-][\w.-]{0,95}\/)?[\w-][\w.-]{0,95}$/, "must be `name` or `owner/name` of a Hugging Face dataset");
const HubWord = z.string().regex(/^[\w.+-]{1,100}$/, "is no such name");

/** Rows of an import: as many as there are up to the first, and never more than the second. */
const importRows = { default: 5_000, max: 50_000 };

export const LoadBody = z.object({
  dataset_id: HubId.meta({ example: "rajpurkar/squad" }),
  custom_name: Name.optional(),
  custom_description: Description.optional().meta({ description: "What it says of itself, if left out" }),
  config: HubWord.optional().meta({ description: "The first one of the dataset, if left out" }),
  split: HubWord.optional().meta({ description: "`train`, else the first one, if left out" }),
  limit: z.int().min(1).max(importRows.max).default(importRows.default).meta({ description: "How many rows at most" }),
});
export type LoadBody = z.output<typeof LoadBody>;

export const DatasetChange = z
  .object({ name: Name, description: Description, tags: z.array(Tag).max(20), is_public: z.boolean(), is_active: z.boolean() })
  .partial()
  .strict()
  .refine((change) => Object.keys(change).length > 0, "says nothing that could be changed");
export type DatasetChange = z.output<typeof DatasetChange>;

export const RowsQuery = z.object({
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(20),
  cursor: IntegerParam.pipe(z.int().min(0)).optional().meta({ description: "`next_cursor` of the page before" }),
  kept: z.enum(["true", "false"]).default("false").meta({ description: "Only rows that refining keeps" }),
});

export const FileParams = z.object({ dataset_id: IdParamValue });
export const FileQuery = z.object({ ticket: z.string().min(1).max(2_000).meta({ description: "Of the download's address" }) });

// ── what replies carry ───────────────────────────────────────────────────────

const Count = z.int().min(0);

export const Dataset = z
  .object({
    id: Id,
    name: z.string(),
    description: z.string(),
    type: z.enum(datasetTypes),
    format: z.enum(formatNames).nullable(),
    sample_count: Count.meta({ description: "Rows that were parsed" }),
    sampleCount: Count,
    file_size: Count.meta({ description: "In bytes" }),
    quality_score: z
      .int()
      .min(0)
      .max(100)
      .nullable()
      .meta({ description: "100 where nothing had to be left out; null until it is ready" }),
    processing_status: z.enum(processingStatuses),
    error: z.string().nullable().meta({ description: "Why it failed" }),
    is_active: z.boolean().meta({ description: "Whether it can be used" }),
    is_public: z.boolean(),
    is_verified: z.boolean().meta({ description: "Whether all of it was read" }),
    is_mine: z.boolean(),
    usage_count: Count,
    tags: z.array(z.string()),
    created_at: Timestamp,
    updated_at: Timestamp,
    last_used: Timestamp.nullable(),
    version: z.int().min(1),
    file_path: z.string().meta({ description: "What tells where its file is had" }),
    file_hash: z.string().nullable().meta({
      description: "SHA-256 of its bytes; of a file that came in parts, of its parts' hashes; of an import there is none",
    }),
    processed_items: Count.meta({ description: "Rows that were parsed so far" }),
    is_global: z.boolean().meta({ description: "As `is_public`" }),
    is_favorite: z.boolean(),
    source: z.string(),
    license: z.string().nullable().meta({ description: "Of an import, as its source has it; null where that says nothing" }),
  })
  .meta({ id: "Dataset" });
export type Dataset = z.output<typeof Dataset>;

/** What was found in a dataset: what could not be read, and what refining leaves out where the dataset is used. */
export const Report = z
  .object({
    rows: Count.meta({ description: "Rows that were parsed" }),
    kept: Count.meta({ description: "Rows that are used" }),
    unreadable: Count.meta({ description: "Rows, lines or pages that could not be read" }),
    dropped: z.object(
      Object.fromEntries(dropReasons.map((reason) => [reason, Count])) as Record<(typeof dropReasons)[number], typeof Count>,
    ),
    kinds: z.partialRecord(z.enum(rowKinds), Count).meta({ description: "What rows were recognised as" }),
    quality_score: z.int().min(0).max(100),
    problems: z
      .array(z.object({ position: z.int().min(1), code: z.enum(rowProblemCodes), message: z.string() }))
      .meta({ description: `What was wrong, where: the first ${maxShown}` }),
    dropped_rows: z
      .array(z.object({ index: Count, reason: z.enum(dropReasons), source: z.string(), text: z.string() }))
      .meta({ description: `The first ${maxShown} rows that are left out, each with how its text begins` }),
    partial: z
      .boolean()
      .optional()
      .meta({ description: "True where Hugging Face's dataset server has only the beginning of the split, 5 GB of it" }),
  })
  .meta({ id: "DatasetReport" });
export type Report = z.output<typeof Report>;

const DatasetRow = z
  .object({
    index: Count,
    kind: z.enum(rowKinds),
    text: z.string(),
    fields: z.record(z.string(), z.unknown()).nullable(),
    source: z.string(),
    start: Count.meta({ description: "Where its text starts in the document, in UTF-16 units" }),
    hash: z.string(),
    dropped: z.enum(dropReasons).nullable().meta({ description: "Why refining leaves it out, if it does" }),
  })
  .meta({ id: "DatasetRow" });

export const DatasetUpload = z
  .object({
    id: Id,
    name: z.string(),
    description: z.string(),
    file_name: z.string(),
    size: Count,
    part_size: Count.meta({ description: "Of each part but the last, which has what is left, in bytes" }),
    parts_total: z.int().min(1),
    parts_received: z.array(z.int().min(1)),
    created_at: Timestamp,
    expires_at: Timestamp.meta({ description: "Until when it is waited for" }),
  })
  .meta({ id: "DatasetUpload" });
export type DatasetUpload = z.output<typeof DatasetUpload>;

export const UploadReply = z.object({ ...ok, upload: DatasetUpload });
export const DatasetList = z.object({
  ...ok,
  datasets: z.array(Dataset),
  total: TotalCount,
  message: z.string(),
  next_cursor: NextCursor,
});
export const DatasetReply = z.object({ ...ok, dataset: Dataset });
export const DatasetDone = z.object({ ...ok, message: z.string() });
export const LoadReply = z.object({
  ...ok,
  message: z.string(),
  dataset: Dataset.pick({
    id: true,
    name: true,
    description: true,
    sample_count: true,
    quality_score: true,
    format: true,
    tags: true,
  }),
});
export const DatasetFavorite = DatasetDone.extend({ is_favorite: z.boolean() });
export const DatasetsHealth = DatasetDone.extend({ total_datasets: Count, status: z.literal("operational") });
export const DatasetRows = z.object({ ...ok, rows: z.array(DatasetRow), total: TotalCount, next_cursor: NextCursor });
export const ReportReply = z.object({ ...ok, report: Report });
export const DownloadReply = z.object({
  ...ok,
  url: z.url().meta({ description: "Where the file is, for a minute, for whoever has the address" }),
  expires_at: Timestamp,
});

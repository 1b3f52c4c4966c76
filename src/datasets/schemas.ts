import * as z from "zod";
import { Id, IdParamValue, Timestamp, NextCursor, IntegerParam, ok, TotalCount } from "../kit/http/zod-schemas.ts";
import { Label } from "../kit/names.ts";
import {
  datasetTypes,
  dropReasons,
  maxFileBytes,
  maxUploadBytes,
  pageProblemCodes,
  partBytes,
  processingStatuses,
  refreshModes,
  rowKinds,
  maxShown,
  websiteKinds,
} from "./constants.ts";
import { formatNames } from "./formats/registry.ts";
import { rowProblemCodes } from "./formats/types.ts";

// ── what requests carry ──────────────────────────────────────────────────────

const Name = Label(120).min(1);
const Description = z.string().trim().max(2_000);
const Tag = z.string().trim().min(1).max(40);

export const DatasetsQuery = z.object({
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(100).meta({ description: "Maximum number of datasets" }),
  cursor: IdParamValue.optional().meta({ description: "`next_cursor` of the previous page" }),
});

export const UploadFields = z.object({
  name: Name.optional().meta({ description: "Default: the file name" }),
  description: Description.optional(),
});
export type UploadFields = z.output<typeof UploadFields>;

export const NewUpload = z.object({
  file_name: z.string().trim().min(1).max(255).meta({ example: "articles.jsonl" }),
  size: z
    .int()
    .min(maxUploadBytes + 1, `must be more than ${maxUploadBytes} bytes: send smaller files in one request`)
    .max(maxFileBytes, `must be at most ${maxFileBytes} bytes`)
    .meta({ description: "Size of the whole file, in bytes", example: 25_000_000 }),
  name: Name.optional().meta({ description: "Name of the dataset. Default: the file name" }),
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

/** `squad` or `rajpurkar/squad`. The pattern excludes other paths. */
const HubId = z
  .string()
  .regex(/^(?:[\w-][\w.-]{0,95}\/)?[\w-][\w.-]{0,95}$/, "must be `name` or `owner/name` of a Hugging Face dataset");
const HubWord = z.string().regex(/^[\w.+-]{1,100}$/, "must have 1 to 100 letters, digits or the characters . + - _");

/** Default and maximum number of rows of an import. */
const importRows = { default: 5_000, max: 50_000 };

export const LoadBody = z.object({
  dataset_id: HubId.meta({ example: "rajpurkar/squad" }),
  custom_name: Name.optional(),
  custom_description: Description.optional().meta({ description: "Default: the dataset's own description" }),
  config: HubWord.optional().meta({ description: "Default: the first configuration of the dataset" }),
  split: HubWord.optional().meta({ description: "Default: `train`, or the first split if there is no `train`" }),
  limit: z.int().min(1).max(importRows.max).default(importRows.default).meta({ description: "Maximum number of rows" }),
});
export type LoadBody = z.output<typeof LoadBody>;

const Refresh = z.enum(refreshModes).meta({ description: "`manual`: only on request; `daily`: once a day" });

export const NewWebsite = z.object({
  url: z
    .string()
    .trim()
    .max(2_048)
    .refine((text) => URL.canParse(text), "must be a URL")
    .meta({
      description: "HTTPS URL of a page or of a sitemap (XML, also compressed with gzip, or a text with one URL on each line)",
      example: "https://example.com/sitemap.xml",
    }),
  name: Name.optional().meta({ description: "Default: the host and the path" }),
  description: Description.optional(),
  kind: z.enum(websiteKinds).optional().meta({ description: "What the URL is. Default: what its content shows" }),
  refresh: Refresh.default("manual"),
});
export type NewWebsite = z.output<typeof NewWebsite>;

export const DatasetChange = z
  .object({
    name: Name,
    description: Description,
    tags: z.array(Tag).max(20),
    is_public: z.boolean(),
    is_active: z.boolean(),
    refresh: Refresh.meta({ description: "When a website is read again. Only for a website" }),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "must contain at least one field to change");
export type DatasetChange = z.output<typeof DatasetChange>;

export const RowsQuery = z.object({
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(20),
  cursor: IntegerParam.pipe(z.int().min(0)).optional().meta({ description: "`next_cursor` of the previous page" }),
  kept: z.enum(["true", "false"]).default("false").meta({ description: "Only rows that passed the quality checks" }),
});

export const FileParams = z.object({ dataset_id: IdParamValue });
export const FileQuery = z.object({
  ticket: z.string().min(1).max(2_000).meta({ description: "Ticket from the download URL" }),
});

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
      .meta({ description: "100: no row was dropped. Null until the dataset is ready." }),
    processing_status: z.enum(processingStatuses),
    error: z.string().nullable().meta({ description: "Why processing failed" }),
    is_active: z.boolean().meta({ description: "Whether the dataset can be used" }),
    is_public: z.boolean(),
    is_verified: z.boolean().meta({ description: "Whether the whole dataset was parsed" }),
    is_mine: z.boolean(),
    usage_count: Count,
    tags: z.array(z.string()),
    created_at: Timestamp,
    updated_at: Timestamp,
    last_used: Timestamp.nullable(),
    version: z.int().min(1),
    file_path: z.string().meta({ description: "Path that creates a download URL of the file" }),
    file_hash: z.string().nullable().meta({
      description: "SHA-256 of the file. For an upload in parts: SHA-256 of the hashes of its parts. Null for an import.",
    }),
    processed_items: Count.meta({ description: "Rows that were parsed so far" }),
    is_global: z.boolean().meta({ description: "Same as `is_public`" }),
    is_favorite: z.boolean(),
    source: z.string(),
    license: z.string().nullable().meta({ description: "License that the source of an import states; null if it states none" }),
    website: z
      .object({
        url: z.string(),
        kind: z.enum(websiteKinds).nullable().meta({ description: "Null until the website was read" }),
        refresh: z.enum(refreshModes),
        is_refreshing: z.boolean().meta({ description: "Whether a job reads the website at the moment" }),
        error: z.string().nullable().meta({ description: "Why the last refresh failed. The dataset keeps its rows" }),
        last_refreshed_at: Timestamp.nullable(),
        next_refresh_at: Timestamp.nullable().meta({ description: "When the website is read again; null: on request" }),
      })
      .nullable()
      .meta({ description: "The website that the dataset was made from; null for files and imports" }),
  })
  .meta({ id: "Dataset" });
export type Dataset = z.output<typeof Dataset>;

/** What became of the pages of a website when it was read last. */
const WebsiteReport = z.object({
  listed: Count.meta({ description: "Pages of the website" }),
  read: Count.meta({ description: "Pages that have rows" }),
  added: Count,
  changed: Count,
  unchanged: Count,
  removed: Count,
  notes: z.array(z.string()).meta({ description: "What was left out of the list of pages, and why" }),
  problems: z
    .array(z.object({ url: z.string(), code: z.enum(pageProblemCodes), message: z.string() }))
    .meta({ description: `The first ${maxShown} pages that could not be read` }),
  problem_count: Count,
  error: z.string().nullable().meta({ description: "Why a later refresh failed as a whole; null if none did" }),
});
export type WebsiteReport = z.output<typeof WebsiteReport>;

/** The quality report of a dataset: unreadable rows and dropped rows. */
export const Report = z
  .object({
    rows: Count.meta({ description: "Rows that were parsed" }),
    kept: Count.meta({ description: "Rows that passed the quality checks" }),
    unreadable: Count.meta({ description: "Rows, lines or pages that could not be read" }),
    dropped: z.object(
      Object.fromEntries(dropReasons.map((reason) => [reason, Count])) as Record<(typeof dropReasons)[number], typeof Count>,
    ),
    kinds: z.partialRecord(z.enum(rowKinds), Count).meta({ description: "Number of rows by recognized kind" }),
    quality_score: z.int().min(0).max(100),
    problems: z
      .array(z.object({ position: z.int().min(1), code: z.enum(rowProblemCodes), message: z.string() }))
      .meta({ description: `The first ${maxShown} problems and their positions` }),
    dropped_rows: z
      .array(z.object({ index: Count, reason: z.enum(dropReasons), source: z.string(), text: z.string() }))
      .meta({ description: `The first ${maxShown} dropped rows, each with the start of its text` }),
    partial: z
      .boolean()
      .optional()
      .meta({ description: "True if Hugging Face's dataset server has only the first 5 GB of the split" }),
    website: WebsiteReport.optional(),
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
    start: Count.meta({ description: "Start of the text in the document, in UTF-16 code units" }),
    hash: z.string(),
    dropped: z.enum(dropReasons).nullable().meta({ description: "Why the row was dropped; null if it was not" }),
  })
  .meta({ id: "DatasetRow" });

export const DatasetUpload = z
  .object({
    id: Id,
    name: z.string(),
    description: z.string(),
    file_name: z.string(),
    size: Count,
    part_size: Count.meta({ description: "Size of each part in bytes; the last part has the rest" }),
    parts_total: z.int().min(1),
    parts_received: z.array(z.int().min(1)),
    created_at: Timestamp,
    expires_at: Timestamp.meta({ description: "When the upload expires" }),
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
/** The same for the previous server's clients. */
export const UserDatasetList = DatasetList.extend({
  user_id: Id,
  datasets: z.array(Dataset.extend({ user_id: Id.meta({ description: "Owner of the dataset" }) })),
});
export const UserDatasetsParams = z.object({ user_id: IdParamValue });
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
  url: z.url().meta({ description: "Public download URL of the file, valid for one minute" }),
  expires_at: Timestamp,
});

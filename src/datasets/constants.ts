/** The closed sets of datasets. The database checks them, the schemas validate them. */

/** What a row was recognised as, by its columns. */
export const rowKinds = ["instruction", "question", "prompt", "chat", "text"] as const;
export type RowKind = (typeof rowKinds)[number];

/** Why refining drops a row. */
export const dropReasons = ["empty", "malformed", "too_long", "duplicate", "near_duplicate"] as const;
export type DropReason = (typeof dropReasons)[number];

/** UTF-16 units of the longest row that is used: a longer one is dropped as `too_long`. Documents are cut to fit. */
export const maxRowLength = 32_768;

/** UTF-16 units of the longest record that is read at all: a longer line or record is a problem of its own. */
export const maxRecordLength = 1_048_576;

/** How many problems, and how many dropped rows, a report shows. It counts the rest. */
export const maxShown = 50;

/** How a dataset came. */
export const datasetTypes = ["upload", "import"] as const;

/** How far it is. */
export const processingStatuses = ["pending", "processing", "ready", "failed"] as const;

/** How many datasets a user may have, and how many bytes all of them. */
export const maxDatasets = 200;
export const maxTotalBytes = 1_000_000_000;

/** Bytes of a file that is sent at once. */
export const maxUploadBytes = 10 * 1024 * 1024;

/** A file that is larger comes in parts of so many bytes, the last one of what is left. */
export const partBytes = 8 * 1024 * 1024;

/** Bytes of the largest file; and of a document, which is held in memory while it is read. */
export const maxFileBytes = 100 * 1024 * 1024;
export const maxDocumentBytes = 15 * 1024 * 1024;

/** How many files of a user may be coming in parts at once, and for how many hours one is waited for. */
export const maxUploads = 5;
export const uploadHours = 24;

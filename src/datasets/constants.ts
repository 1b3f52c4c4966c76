/** The enums and limits of datasets. The database and the schemas check the enums. */

/** The kind of a row, recognized by its columns. */
export const rowKinds = ["instruction", "question", "prompt", "chat", "text"] as const;
export type RowKind = (typeof rowKinds)[number];

/** Why the row filter drops a row. */
export const dropReasons = ["empty", "malformed", "too_long", "duplicate", "near_duplicate"] as const;
export type DropReason = (typeof dropReasons)[number];

/** Maximum length of a row in UTF-16 code units. Longer rows are dropped as `too_long`. Documents are split to fit. */
export const maxRowLength = 32_768;

/** Maximum length of a cell, and of a parsed record, in UTF-16 code units. A longer line or record is reported as a problem. */
export const maxRecordLength = 1_048_576;

/** Maximum depth of nesting: of elements in HTML and DOCX, and of arrays and objects in JSON. */
export const maxDepth = 256;

/** Maximum columns of a table, and keys of an object. */
export const maxColumns = 2_000;

/** Maximum values of a record: the members of all its objects, and the elements of all its arrays. */
export const maxRecordValues = 20_000;

/** Maximum number of rows and problems of a file, and of the characters of all its rows as they are stored. */
export const maxRows = 1_000_000;
export const maxRowsLength = 500_000_000;

/** Maximum number of problems and of dropped rows in a report. The counts include the rest. */
export const maxShown = 50;

/** The origin of a dataset. */
export const datasetTypes = ["upload", "import"] as const;

/** The processing status of a dataset. */
export const processingStatuses = ["pending", "processing", "ready", "failed"] as const;

/** Limits per user: number of datasets, and their total bytes. */
export const maxDatasets = 200;
export const maxTotalBytes = 1_000_000_000;

/** Maximum bytes of a file in one request. */
export const maxUploadBytes = 10 * 1024 * 1024;

/** The types that the bytes of a file may be sent as. The content decides on the format. */
export const uploadTypes = [
  "application/octet-stream",
  "text/plain",
  "text/csv",
  "application/x-ndjson",
  "application/vnd.apache.parquet",
  "application/pdf",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
] as const;

/** Bytes of each part of a larger file. The last part has the rest. */
export const partBytes = 8 * 1024 * 1024;

/** Maximum bytes of a file, and of a document that is parsed in memory. */
export const maxFileBytes = 100 * 1024 * 1024;
export const maxDocumentBytes = 15 * 1024 * 1024;

/** Maximum number of open uploads of a user, and the hours until an upload expires. */
export const maxUploads = 5;
export const uploadHours = 24;

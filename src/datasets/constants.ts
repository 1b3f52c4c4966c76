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
export const datasetTypes = ["upload", "import", "website"] as const;

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

/** What the URL of a website is: one page, or a list of pages. */
export const websiteKinds = ["page", "sitemap"] as const;

/** When a website is read again: only on request, or once a day. */
export const refreshModes = ["manual", "daily"] as const;

/** Maximum pages of a website, and pages that a user's websites may fetch on a UTC day. */
export const maxPages = 200;
export const maxPagesPerDay = 2_000;

/** Maximum bytes of a page, and of a sitemap after decompression. */
export const maxPageBytes = 2 * 1024 * 1024;
export const maxSitemapBytes = 10 * 1024 * 1024;

/** Maximum sitemaps that a sitemap may name, directly and through others, and how deep. */
export const maxSitemaps = 20;
export const maxSitemapDepth = 3;

/** Maximum redirects of a page, and of a robots.txt (RFC 9309). */
export const maxRedirects = 3;
export const maxRobotsRedirects = 5;

/** Maximum bytes of a robots.txt that are read (RFC 9309 demands 500 KiB), and of its rules with wildcards. */
export const maxRobotsBytes = 512 * 1024;
export const maxWildcardLength = 32 * 1024;

/** The longest delay between two pages that a robots.txt may ask for, and the longest wait before a page is tried again, in seconds. */
export const maxCrawlDelaySeconds = 10;
export const maxRetryWaitSeconds = 20;

/** How often a page is tried again after an error that may pass. */
export const maxPageRetries = 2;

/** Why a page of a website has no rows. */
export const pageProblemCodes = [
  "not_found",
  "access_denied",
  "rate_limited",
  "unavailable",
  "timed_out",
  "unreachable",
  "url_refused",
  "redirected",
  "too_large",
  "blocked_by_robots",
  "no_index",
  "no_text",
  "unreadable",
] as const;
export type PageProblemCode = (typeof pageProblemCodes)[number];

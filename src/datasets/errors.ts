import type { ConstraintErrors } from "../kit/errors.ts";
import { maxDatasets, maxPagesPerDay, maxTotalBytes, maxUploads } from "./constants.ts";

/** The client error of each constraint and refusal code of this feature. */
export const constraintErrors = {
  dataset_not_found: { type: "not_found", detail: "Dataset not found." },
  dataset_importing: {
    type: "conflict",
    detail: "The import of this dataset is reading it. Wait until the import is finished.",
  },
  dataset_in_use: { type: "conflict", detail: "A job is using this dataset. Wait until the job is finished." },
  dataset_limit_reached: {
    type: "conflict",
    detail: `You have reached the limit of ${maxDatasets} datasets. Delete one first.`,
  },
  dataset_bytes_reached: {
    type: "conflict",
    detail: `Your datasets would exceed the limit of ${maxTotalBytes} bytes. Delete one first.`,
  },
  dataset_uploaded_before: { type: "conflict", detail: "You already have a dataset with the same content." },
  dataset_no_website: { type: "conflict", detail: "This dataset is not a website. Only websites can be refreshed." },
  dataset_refreshing: { type: "conflict", detail: "This website is being read. Wait until that is finished." },
  dataset_pages_reached: {
    type: "conflict",
    detail: `Your websites have reached the limit of ${maxPagesPerDay} pages a day. Try again tomorrow, at 00:00 UTC.`,
  },
  dataset_upload_not_found: { type: "not_found", detail: "Upload not found." },
  dataset_upload_limit_reached: {
    type: "conflict",
    detail: `You have reached the limit of ${maxUploads} uploads at once. Complete or abort one first.`,
  },
  dataset_upload_incomplete: { type: "conflict", detail: "Some parts of this upload are missing. Upload them first." },
  dataset_part_size: { type: "validation_failed", path: "part", detail: "does not have the size of this part of the file" },
} as const satisfies ConstraintErrors;

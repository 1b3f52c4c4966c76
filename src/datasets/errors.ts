import type { ConstraintErrors } from "../kit/errors.ts";

/** What constraints and refusal codes of this feature mean to a client. */
export const constraintErrors = {
  dataset_not_found: { type: "not_found", detail: "There is no such dataset of yours." },
  dataset_in_use: { type: "conflict", detail: "A job uses it: wait until that is done." },
  dataset_limit_reached: { type: "conflict", detail: "You have as many datasets as anybody may." },
  dataset_bytes_reached: {
    type: "conflict",
    detail: "Your datasets would have more bytes than anybody's may: delete some.",
  },
  dataset_uploaded_before: { type: "conflict", detail: "You have a dataset of these bytes." },
  dataset_upload_not_found: { type: "not_found", detail: "There is no such upload of yours." },
  dataset_upload_limit_reached: { type: "conflict", detail: "Too many uploads of yours are under way: end one first." },
  dataset_upload_incomplete: { type: "conflict", detail: "Parts of it are missing." },
  dataset_part_size: { type: "validation_failed", path: "part", detail: "has another size than this part of the file" },
} as const satisfies ConstraintErrors;

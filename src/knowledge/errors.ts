import type { ConstraintErrors } from "../kit/errors.ts";
import { maxBases, maxDatasets } from "./constants.ts";

/** The client error for each constraint and refusal code of this feature. */
export const constraintErrors = {
  knowledge_base_not_found: { type: "not_found", detail: "You have no knowledge base with this ID." },
  knowledge_base_name_taken: { type: "conflict", path: "name", detail: "is already the name of one of your knowledge bases" },
  knowledge_base_limit_reached: { type: "conflict", detail: `Knowledge base limit reached (${maxBases}). Delete one first.` },
  knowledge_base_busy: { type: "conflict", detail: "This knowledge base is being indexed. Wait until the build has finished." },
  knowledge_base_model_owned: {
    type: "conflict",
    detail: "A knowledge base uses this model for its embeddings. Delete the knowledge base first.",
  },
  knowledge_dataset_not_found: { type: "not_found", detail: "This knowledge base does not contain this dataset." },
  knowledge_build_not_resumable: {
    type: "conflict",
    detail:
      "This build cannot continue: a newer build replaced it, or its data is gone. Discard the job; its owner can start a new build.",
  },
  knowledge_build_missing: { type: "conflict", detail: "There is no previous build to roll back to." },
  knowledge_base_full: {
    type: "conflict",
    detail: `A knowledge base can contain at most ${maxDatasets} datasets. Remove a dataset or index fewer.`,
  },
  knowledge_dataset_unknown: {
    type: "validation_failed",
    path: "dataset_ids",
    detail: "contains a dataset that does not exist, is not yours or is not ready",
  },
  embedding_model_unknown: {
    type: "validation_failed",
    path: "embedding_model",
    detail: "must be the ID of one of your active embedding models",
  },
  minion_knowledge_base_owned: {
    type: "validation_failed",
    path: "knowledge_base_id",
    detail: "must be the ID of one of your knowledge bases",
  },
} as const satisfies ConstraintErrors;

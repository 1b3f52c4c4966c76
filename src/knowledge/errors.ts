import type { ConstraintErrors } from "../kit/errors.ts";

/** What constraints and refusal codes of this feature mean to a client. */
export const constraintErrors = {
  knowledge_base_not_found: { type: "not_found", detail: "There is no such knowledge base of yours." },
  knowledge_base_name_taken: { type: "conflict", path: "name", detail: "you have a knowledge base of this name" },
  knowledge_base_limit_reached: { type: "conflict", detail: "You have as many knowledge bases as anybody may." },
  knowledge_base_busy: { type: "conflict", detail: "It is being indexed: wait until that is done." },
  knowledge_base_model_owned: {
    type: "conflict",
    detail: "A knowledge base is embedded by this model: delete that first.",
  },
  knowledge_dataset_not_found: { type: "not_found", detail: "This knowledge base has no such dataset." },
  knowledge_build_missing: { type: "conflict", detail: "There is no build before this one." },
  knowledge_base_full: {
    type: "conflict",
    detail: "It would be made of more datasets than a knowledge base takes.",
  },
  knowledge_dataset_unknown: {
    type: "validation_failed",
    path: "dataset_ids",
    detail: "names a dataset that is not there for you, or not ready",
  },
  embedding_model_unknown: {
    type: "validation_failed",
    path: "embedding_model",
    detail: "there is no such model of yours that embeds",
  },
  minion_knowledge_base_owned: {
    type: "validation_failed",
    path: "knowledge_base_id",
    detail: "there is no such knowledge base of yours",
  },
} as const satisfies ConstraintErrors;

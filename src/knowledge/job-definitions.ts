import * as z from "zod";
import { Id } from "../kit/http/zod-schemas.ts";
import { defineJob } from "../kit/queue/outbox.ts";

/** Continues a build. Each job does a slice and enqueues the next. */
export const indexKnowledgeBase = defineJob("index-knowledge-base", z.object({ build_id: Id }));

/** Builds the knowledge bases of the owner of a dataset again whose active build holds the dataset. */
export const reindexDataset = defineJob("reindex-dataset", z.object({ dataset_id: Id, user_id: Id, changed_at: z.string() }));

/** Deletes the parts of a knowledge base that no build uses. */
export const sweepKnowledgeBase = defineJob("sweep-knowledge-base", z.object({ knowledge_base_id: Id }));

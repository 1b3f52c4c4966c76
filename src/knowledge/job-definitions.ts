import * as z from "zod";
import { Id } from "../kit/http/zod-schemas.ts";
import { defineJob } from "../kit/queue/outbox.ts";

/** Continues a build. Each job does a slice and enqueues the next. */
export const indexKnowledgeBase = defineJob("index-knowledge-base", z.object({ build_id: Id }));

/** Deletes the parts of a knowledge base that no build uses. */
export const sweepKnowledgeBase = defineJob("sweep-knowledge-base", z.object({ knowledge_base_id: Id }));

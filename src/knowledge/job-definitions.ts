import * as z from "zod";
import { Id } from "../kit/http/zod-schemas.ts";
import { defineJob } from "../kit/queue/outbox.ts";

/** Goes on with a build: a slice of it, which asks for the next. */
export const indexKnowledgeBase = defineJob("index-knowledge-base", z.object({ build_id: Id }));

/** Deletes what no build of a knowledge base holds any more. */
export const sweepKnowledgeBase = defineJob("sweep-knowledge-base", z.object({ knowledge_base_id: Id }));

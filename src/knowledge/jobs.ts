import type { Ctx } from "../context.ts";
import { doing, type Handler } from "../kit/queue/consumer.ts";
import { indexKnowledgeBase, sweepKnowledgeBase } from "./job-definitions.ts";
import { goOnIndexing } from "./indexing/run-build.ts";
import { sweepBase } from "./service.ts";
import { datasets } from "./indexing/dataset-source.ts";

export const knowledgeJobs: readonly Handler<Ctx>[] = [
  doing(indexKnowledgeBase, (ctx: Ctx, told) => goOnIndexing(ctx, told, datasets)),
  doing(sweepKnowledgeBase, (ctx: Ctx, { knowledge_base_id }) => sweepBase(ctx, knowledge_base_id)),
];

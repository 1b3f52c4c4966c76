import type { Ctx } from "../context.ts";
import { doing, type Handler } from "../kit/queue/consumer.ts";
import { indexKnowledgeBase, sweepKnowledgeBase } from "./indexing/build-statements.ts";
import { failLostBuilds, goOnIndexing } from "./indexing/run-build.ts";
import { sweepBase } from "./service.ts";
import { datasets } from "./indexing/dataset-source.ts";

export const knowledgeJobs: readonly Handler<Ctx>[] = [
  doing(indexKnowledgeBase, (ctx: Ctx, told) => goOnIndexing(ctx, told, datasets)),
  doing(sweepKnowledgeBase, (ctx: Ctx, { knowledge_base_id }) => sweepBase(ctx, knowledge_base_id)),
];

/** For the cron. */
export const sweepLostBuilds = (ctx: Ctx): Promise<number> => failLostBuilds(ctx, datasets);

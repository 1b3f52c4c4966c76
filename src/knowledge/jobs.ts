import type { Ctx } from "../context.ts";
import { handleJob, type Handler } from "../kit/queue/handler.ts";
import { indexKnowledgeBase, reindexDataset, sweepKnowledgeBase } from "./job-definitions.ts";
import { giveUpBuild, reopenBuild } from "./indexing/fail-build.ts";
import { rebuildBasesOf } from "./indexing/rebuild-dataset.ts";
import { resumeBuild } from "./indexing/run-build.ts";
import { sweepBase } from "./service.ts";
import { datasets } from "./indexing/dataset-source.ts";

export const knowledgeJobs: readonly Handler<Ctx>[] = [
  handleJob(indexKnowledgeBase, (ctx: Ctx, payload) => resumeBuild(ctx, payload, datasets), {
    onGiveUp: (ctx, payload, reason) => giveUpBuild(ctx, payload, reason, datasets),
    onReplay: (ctx, payload) => reopenBuild(ctx, payload, datasets),
  }),
  handleJob(reindexDataset, (ctx: Ctx, payload) => rebuildBasesOf(ctx, payload, datasets)),
  handleJob(sweepKnowledgeBase, (ctx: Ctx, { knowledge_base_id }) => sweepBase(ctx, knowledge_base_id)),
];

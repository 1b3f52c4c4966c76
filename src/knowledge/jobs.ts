import type { Ctx } from "../context.ts";
import { handleJob, type Handler } from "../kit/queue/consumer.ts";
import { indexKnowledgeBase, sweepKnowledgeBase } from "./job-definitions.ts";
import { resumeBuild } from "./indexing/run-build.ts";
import { sweepBase } from "./service.ts";
import { datasets } from "./indexing/dataset-source.ts";

export const knowledgeJobs: readonly Handler<Ctx>[] = [
  handleJob(indexKnowledgeBase, (ctx: Ctx, payload) => resumeBuild(ctx, payload, datasets)),
  handleJob(sweepKnowledgeBase, (ctx: Ctx, { knowledge_base_id }) => sweepBase(ctx, knowledge_base_id)),
];

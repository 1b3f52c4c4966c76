import type { Ctx } from "../context.ts";
import { handleJob, type Handler } from "../kit/queue/handler.ts";
import { deleteByPrefix } from "../kit/storage/r2.ts";
import { deleteDatasetFiles, importDataset, refreshWebsite } from "./job-definitions.ts";
import { giveUpRefresh, reopenRefresh, resumeRefresh } from "./websites/run-refresh.ts";
import { giveUpImport, reopenImport, resumeImport } from "./import/run-import.ts";

export const datasetJobs: readonly Handler<Ctx>[] = [
  handleJob(importDataset, resumeImport, { onGiveUp: giveUpImport, onReplay: reopenImport }),
  handleJob(refreshWebsite, (ctx: Ctx, payload) => resumeRefresh(ctx, payload), {
    onGiveUp: giveUpRefresh,
    onReplay: reopenRefresh,
  }),
  handleJob(deleteDatasetFiles, ({ env }: Ctx, { folder }) => deleteByPrefix(env.FILES, folder)),
];

import type { Ctx } from "../context.ts";
import { handleJob, type Handler } from "../kit/queue/handler.ts";
import { deleteByPrefix } from "../kit/storage/r2.ts";
import { deleteDatasetFiles, importDataset } from "./job-definitions.ts";
import { giveUpImport, reopenImport, resumeImport } from "./import/run-import.ts";

export const datasetJobs: readonly Handler<Ctx>[] = [
  handleJob(importDataset, resumeImport, { onGiveUp: giveUpImport, onReplay: reopenImport }),
  handleJob(deleteDatasetFiles, ({ env }: Ctx, { folder }) => deleteByPrefix(env.FILES, folder)),
];

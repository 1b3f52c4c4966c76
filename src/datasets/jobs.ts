import type { Ctx } from "../context.ts";
import { doing, type Handler } from "../kit/queue/consumer.ts";
import { deleteUnder } from "../kit/storage/r2.ts";
import { deleteDatasetFiles, importDataset } from "./job-definitions.ts";
import { goOnImporting } from "./import/run-import.ts";

export const datasetJobs: readonly Handler<Ctx>[] = [
  doing(importDataset, goOnImporting),
  doing(deleteDatasetFiles, ({ env }: Ctx, { folder }) => deleteUnder(env.FILES, folder)),
];

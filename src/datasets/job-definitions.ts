import * as z from "zod";
import { defineJob } from "../kit/queue/outbox.ts";

/** The background jobs of datasets. */
export const importDataset = defineJob("import-dataset", z.object({ dataset_id: z.int() }));
export const deleteDatasetFiles = defineJob(
  "delete-dataset-files",
  z.object({ folder: z.string().regex(/^users\/\d+\/datasets\/.+\/$/) }),
);

import * as z from "zod";
import { defineJob } from "../kit/queue/outbox.ts";

/** The background jobs of datasets. */
export const importDataset = defineJob("import-dataset", z.object({ dataset_id: z.int() }));
/** Reads the pages of a website, or continues to. `run` is the number of the run. */
export const refreshWebsite = defineJob("refresh-website", z.object({ dataset_id: z.int(), run: z.int().min(1) }));
export const deleteDatasetFiles = defineJob(
  "delete-dataset-files",
  z.object({ folder: z.string().regex(/^users\/\d+\/datasets\/.+\/$/) }),
);

import { readRows, releaseDatasets, usableDatasets, useDatasets } from "../../datasets/rows/read-rows.ts";
import type { DatasetSource } from "./start-build.ts";

/** What knowledge bases are built of. */
export const datasets: DatasetSource = {
  readRows,
  readable: usableDatasets,
  lock: useDatasets,
  unlock: releaseDatasets,
};

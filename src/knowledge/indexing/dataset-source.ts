import { readRows, releaseDatasets, usableDatasets, useDatasets } from "../../datasets/rows/read-rows.ts";
import type { DatasetSource } from "./start-build.ts";

/** The datasets feature, as the source of builds. */
export const datasets: DatasetSource = {
  readRows,
  readable: usableDatasets,
  lock: useDatasets,
  unlock: releaseDatasets,
};

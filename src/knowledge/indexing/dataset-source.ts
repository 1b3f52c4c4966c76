import { readRows, releaseDatasets, usableDatasets, useDatasets } from "../../datasets/rows/read-rows.ts";
import type { Datasets } from "./start-build.ts";

/** What knowledge bases are built of. */
export const datasets: Datasets = {
  readRows,
  usable: usableDatasets,
  use: useDatasets,
  release: releaseDatasets,
};

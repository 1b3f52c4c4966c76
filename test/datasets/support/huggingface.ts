import { afterAll, beforeAll, beforeEach } from "vitest";
import { datasetJobs } from "../../../src/datasets/jobs.ts";
import { LoadBody } from "../../../src/datasets/schemas.ts";
import { loadDataset } from "../../../src/datasets/service.ts";
import { useServiceHarness } from "../../support/service-harness.ts";
import { resetHub, startFakeHub, type FakeHub } from "../../support/vendors/huggingface-datasets.ts";

/** So many rows of a dataset of questions. */
export const questions = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    question: `What is ${i} and ${i * 31}?`,
    answer: `It is ${(i * 7919).toString(36)}.`,
  }));

/** A fake Hugging Face that serves the dataset `owner/quiz`, and the service harness that imports from it. Registers the hooks of a test file. */
export function useHuggingFace() {
  let hub: FakeHub;
  beforeAll(async () => {
    hub = await startFakeHub();
  });
  afterAll(() => hub.close());
  const harness = useServiceHarness({ handlers: datasetJobs, bindings: () => ({ HF_DATASETS_URL: hub.url }) });
  beforeEach(() => {
    resetHub(hub);
    hub.infos = { "owner/quiz/plain": { description: "", license: "" } };
    hub.splits = {
      "owner/quiz/plain/test": questions(3),
      "owner/quiz/plain/train": questions(250),
      "owner/quiz/other/validation": questions(5),
    };
  });
  return {
    get hub() {
      return hub;
    },
    harness,
    /** Starts an import. @returns the dataset's id */
    load: async (given: object) =>
      (await loadDataset(harness.ctx, harness.userId, LoadBody.parse({ dataset_id: "owner/quiz", ...given }))).id,
    /** The offset and length of each page that was requested, in order. */
    pagesAsked: () =>
      hub.requests
        .filter((path) => path.startsWith("/rows"))
        .map((path) => /offset=(\d+)&length=(\d+)/.exec(path)!.slice(1).map(Number)),
  };
}

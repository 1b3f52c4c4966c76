import { expect, test } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { cronJobs } from "../src/cron.ts";
import { jobHandlers } from "../src/jobs.ts";

test("wrangler.toml triggers exactly the schedules in use", () => {
  const { triggers } = readConfig({ config: "wrangler.toml" });
  const schedules = new Set<string>(cronJobs.map(({ schedule }) => schedule));
  expect(triggers.crons?.toSorted()).toEqual([...schedules].toSorted());
});

test("every job has a unique name", () => {
  const names = [...cronJobs.map(({ name }) => name), ...jobHandlers.map(({ job }) => job.name)];
  expect(names).toHaveLength(new Set(names).size);
});

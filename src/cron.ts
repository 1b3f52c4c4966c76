import { authCron } from "./auth/cron.ts";
import { catalogCron } from "./catalog/cron.ts";
import { chatCron } from "./chat/cron.ts";
import type { Ctx } from "./context.ts";
import { datasetCron } from "./datasets/cron.ts";
import { jobsCron } from "./jobs/cron.ts";
import type { CronJob } from "./kit/queue/cron.ts";
import { minionCron } from "./minions/cron.ts";
import { modelCron } from "./models/cron.ts";

/** Everything that runs on a schedule. */
export const cronJobs: readonly CronJob<Ctx>[] = [
  ...authCron,
  ...jobsCron,
  ...catalogCron,
  ...modelCron,
  ...datasetCron,
  ...minionCron,
  ...chatCron,
];

import type { Ctx } from "../context.ts";
import { everyFiveMinutes, type CronJob } from "../kit/queue/cron.ts";
import { enqueueMessageIndexing } from "./sync/index-messages.ts";

export const chatCron: readonly CronJob<Ctx>[] = [
  { name: "find-unindexed-messages", schedule: everyFiveMinutes, run: enqueueMessageIndexing },
];

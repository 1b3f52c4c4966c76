import type { Ctx } from "../context.ts";
import { dailyAt0317, everyFiveMinutes, type CronJob } from "../kit/queue/cron.ts";
import { sweepUploads } from "./uploads/service.ts";
import { refreshDueWebsites } from "./websites/service.ts";

export const datasetCron: readonly CronJob<Ctx>[] = [
  { name: "sweep-uploads", schedule: dailyAt0317, run: sweepUploads },
  { name: "refresh-websites", schedule: everyFiveMinutes, run: refreshDueWebsites },
];

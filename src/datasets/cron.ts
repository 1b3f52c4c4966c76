import type { Ctx } from "../context.ts";
import { dailyAt0317, everyFiveMinutes, type CronJob } from "../kit/queue/cron.ts";
import { failStaleImports } from "./import/run-import.ts";
import { sweepUploads } from "./uploads/service.ts";

export const datasetCron: readonly CronJob<Ctx>[] = [
  { name: "fail-lost-imports", schedule: everyFiveMinutes, run: failStaleImports },
  { name: "sweep-uploads", schedule: dailyAt0317, run: sweepUploads },
];

import type { Ctx } from "../context.ts";
import { dailyAt0317, type CronJob } from "../kit/queue/cron.ts";
import { sweepUploads } from "./uploads/service.ts";

export const datasetCron: readonly CronJob<Ctx>[] = [{ name: "sweep-uploads", schedule: dailyAt0317, run: sweepUploads }];

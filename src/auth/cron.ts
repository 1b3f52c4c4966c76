import type { Ctx } from "../context.ts";
import { dailyAt0317, type CronJob } from "../kit/queue/cron.ts";
import { sweepExpired } from "./sessions/service.ts";

export const authCron: readonly CronJob<Ctx>[] = [{ name: "sweep-expired", schedule: dailyAt0317, run: sweepExpired }];

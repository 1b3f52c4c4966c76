import type { Ctx } from "../context.ts";
import { dailyAt0317, type CronJob } from "../kit/queue/cron.ts";
import { purgeTrash } from "./service.ts";

export const minionCron: readonly CronJob<Ctx>[] = [{ name: "empty-bin", schedule: dailyAt0317, run: purgeTrash }];

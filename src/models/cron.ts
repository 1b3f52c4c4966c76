import type { Ctx } from "../context.ts";
import { dailyAt0317, dailyAt0441, type CronJob } from "../kit/queue/cron.ts";
import { refreshPrices } from "./usage/prices.ts";
import { sweepOldCalls } from "./usage/record.ts";

export const modelCron: readonly CronJob<Ctx>[] = [
  { name: "refresh-prices", schedule: dailyAt0441, run: (ctx) => refreshPrices(ctx) },
  { name: "sweep-old-calls", schedule: dailyAt0317, run: sweepOldCalls },
];

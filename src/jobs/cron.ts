import type { Ctx } from "../context.ts";
import { everyMinute, type CronJob } from "../kit/queue/cron.ts";
import { sweepOutbox } from "../kit/queue/outbox.ts";

export const jobsCron: readonly CronJob<Ctx>[] = [
  { name: "sweep-outbox", schedule: everyMinute, run: (ctx) => sweepOutbox(ctx) },
];

import type { Ctx } from "../context.ts";
import { everyFiveMinutes, type CronJob } from "../kit/queue/cron.ts";
import { publishCatalog } from "./service.ts";

export const catalogCron: readonly CronJob<Ctx>[] = [
  { name: "publish-catalog", schedule: everyFiveMinutes, run: publishCatalog },
];

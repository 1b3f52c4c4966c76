import type { Ctx } from "../context.ts";
import { everyFiveMinutes, type CronJob } from "../kit/queue/cron.ts";
import { datasets } from "./indexing/dataset-source.ts";
import { failLostBuilds } from "./indexing/run-build.ts";

export const knowledgeCron: readonly CronJob<Ctx>[] = [
  { name: "sweep-lost-builds", schedule: everyFiveMinutes, run: (ctx) => failLostBuilds(ctx, datasets) },
];

import type { Ctx } from "../context.ts";
import { everyFiveMinutes, type CronJob } from "../kit/queue/cron.ts";
import { deleteExpiredConversations } from "./conversations/delete-expired.ts";
import { enqueueMessageIndexing } from "./sync/index-messages.ts";

export const chatCron: readonly CronJob<Ctx>[] = [
  { name: "delete-temporary-conversations", schedule: everyFiveMinutes, run: deleteExpiredConversations },
  { name: "find-unindexed-messages", schedule: everyFiveMinutes, run: enqueueMessageIndexing },
];

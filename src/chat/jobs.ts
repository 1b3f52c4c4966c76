import type { Ctx } from "../context.ts";
import { handleJob, type Handler } from "../kit/queue/handler.ts";
import { deleteRoom } from "./conversations/erase.ts";
import { writeEntry } from "./conversations/write-entry.ts";
import { eraseConversation, indexMessages, writeSetAsideEntry } from "./job-definitions.ts";
import { indexOlderMessages } from "./sync/index-messages.ts";

export const chatJobs: readonly Handler<Ctx>[] = [
  handleJob(eraseConversation, deleteRoom),
  handleJob(writeSetAsideEntry, writeEntry),
  handleJob(indexMessages, (ctx: Ctx) => indexOlderMessages(ctx)),
];

import type { Ctx } from "../context.ts";
import { handleJob, type Handler } from "../kit/queue/handler.ts";
import { deleteRoom } from "./conversations/erase.ts";
import { eraseConversation } from "./job-definitions.ts";

export const chatJobs: readonly Handler<Ctx>[] = [handleJob(eraseConversation, deleteRoom)];

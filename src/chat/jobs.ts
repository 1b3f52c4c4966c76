import type { Ctx } from "../context.ts";
import { doing, type Handler } from "../kit/queue/consumer.ts";
import { eraseRoom } from "./conversations/erase.ts";
import { eraseConversation } from "./job-definitions.ts";

export const chatJobs: readonly Handler<Ctx>[] = [doing(eraseConversation, eraseRoom)];

import type { Ctx } from "../context.ts";
import { doing, type Handler } from "../kit/queue/consumer.ts";
import { eraseConversation, eraseRoom } from "./conversations/erase.ts";

export const chatJobs: readonly Handler<Ctx>[] = [doing(eraseConversation, eraseRoom)];

import type { Ctx } from "../context.ts";
import { doing, type Handler } from "../kit/consumer.ts";
import { eraseConversation, eraseRoom } from "./erasing.ts";

export const chatJobs: readonly Handler<Ctx>[] = [doing(eraseConversation, eraseRoom)];

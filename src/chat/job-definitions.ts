import * as z from "zod";
import { defineJob } from "../kit/queue/outbox.ts";

/** Destroys what a conversation that is deleted has outside Postgres. */
export const eraseConversation = defineJob(
  "erase-conversation",
  z.object({ conversation_id: z.int().min(1), user_id: z.int().min(1) }),
);

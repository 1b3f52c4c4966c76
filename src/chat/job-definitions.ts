import * as z from "zod";
import { defineJob } from "../kit/queue/outbox.ts";

/** Erases the data of a deleted conversation outside Postgres. */
export const eraseConversation = defineJob(
  "erase-conversation",
  z.object({ conversation_id: z.int().min(1), user_id: z.int().min(1) }),
);

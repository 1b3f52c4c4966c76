import * as z from "zod";
import { defineJob } from "../kit/queue/outbox.ts";

/** Writes an entry of a room's outbox that Postgres refused before. Administrators replay it. */
export const writeSetAsideEntry = defineJob(
  "write-set-aside-entry",
  z.object({ conversation_id: z.int().min(1), user_id: z.int().min(1), entry_id: z.int().min(1) }),
);

/** Erases the data of a deleted conversation outside Postgres. */
export const eraseConversation = defineJob(
  "erase-conversation",
  z.object({ conversation_id: z.int().min(1), user_id: z.int().min(1) }),
);

/** Writes the terms of messages that an earlier version wrote. Each job does a slice and enqueues the next. */
export const indexMessages = defineJob("index-messages", z.object({}));

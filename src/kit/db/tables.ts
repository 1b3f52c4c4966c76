import { sql } from "drizzle-orm";
import { index, integer, jsonb, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { timestamptz, identityId } from "./columns.ts";

/** What commits are made exactly once with. This folder knows no users, so no key of theirs is a foreign one: who erases a user erases their rows here. */

/** When a job is sent again, unless it was done before. */
export const jobDue = sql`now() + interval '5 minutes'`;

/** Jobs that are not done yet. A job is written in the commit that asks for it, and its row goes in the commit that is its effect. */
export const outbox = pgTable(
  "outbox",
  {
    id: identityId(),
    name: text().notNull(),
    payload: jsonb().$type<unknown>().notNull(),
    /** Whom it is about. */
    user_id: integer(),
    /** The request that asked for it. */
    request_id: text().notNull(),
    created_at: timestamptz().notNull().defaultNow(),
    /** From then on it counts as lost. A consumer that takes it puts this off. */
    due_at: timestamptz().notNull().default(jobDue),
  },
  (t) => [index("outbox_by_due").on(t.due_at), index("outbox_by_user").on(t.user_id)],
);

/** Jobs that were given up, until somebody replays or discards them. */
export const failedJobs = pgTable(
  "failed_jobs",
  {
    id: identityId(),
    /** `job:7`, by its number in the outbox; `message:…` for a message that was no job of ours. */
    reference: text().notNull(),
    name: text().notNull(),
    payload: jsonb().$type<unknown>().notNull(),
    user_id: integer(),
    request_id: text().notNull(),
    error: text().notNull(),
    attempts: integer().notNull(),
    created_at: timestamptz().notNull(),
    failed_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [unique("job_failed_once").on(t.reference), index("failed_jobs_by_user").on(t.user_id)],
);

/** What requests with an Idempotency-Key made, for a day. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    user_id: integer().notNull(),
    key: text().notNull(),
    /** SHA-256 of method, path and body. */
    fingerprint: text().notNull(),
    /** What was made, in the words of the route that made it. */
    made: text(),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ name: "idempotency_key_taken", columns: [t.user_id, t.key] }),
    index("idempotency_keys_by_age").on(t.created_at),
  ],
);

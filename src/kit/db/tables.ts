import { sql } from "drizzle-orm";
import { date, index, integer, jsonb, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { timestamptz, identityId } from "./columns.ts";

/** Tables for exactly-once commits. This folder does not know users, so `user_id` is no foreign key: the erasure of a user deletes these rows. */

/** When an unfinished job is sent again. */
export const jobDue = sql`now() + interval '5 minutes'`;

/** Unfinished jobs. The commit that enqueues a job inserts its row, and the commit with its effect deletes it. */
export const outbox = pgTable(
  "outbox",
  {
    id: identityId(),
    name: text().notNull(),
    payload: jsonb().$type<unknown>().notNull(),
    /** The user that the job is about. */
    user_id: integer(),
    /** The request that enqueued the job. */
    request_id: text().notNull(),
    created_at: timestamptz().notNull().defaultNow(),
    /** After this time the job counts as lost. The lease of a running job ends then. Null while it waits for other jobs of its user. */
    due_at: timestamptz().default(jobDue),
    /** The token of the consumer that runs the job. */
    lease: text(),
    /** The number of started attempts. It rises before the work begins. */
    attempts: integer().notNull().default(0),
    /** Consecutive attempts without progress whose consumer died: their lease ended, and they neither ended nor failed. */
    lost_attempts: integer().notNull().default(0),
  },
  (t) => [index("outbox_by_due").on(t.due_at), index("outbox_by_user").on(t.user_id, t.name)],
);

/** Failed jobs, until an administrator replays or discards them. */
export const failedJobs = pgTable(
  "failed_jobs",
  {
    id: identityId(),
    /** `job:7`, by its ID in the outbox, or `message:…` for a message that is not a valid job. */
    reference: text().notNull(),
    name: text().notNull(),
    payload: jsonb().$type<unknown>().notNull(),
    user_id: integer(),
    request_id: text().notNull(),
    /** Why it was given up: `consumer_lost`, `attempts_exhausted`, or the code of its error. */
    code: text().notNull().default("internal"),
    error: text().notNull(),
    attempts: integer().notNull(),
    created_at: timestamptz().notNull(),
    failed_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [unique("job_failed_once").on(t.reference), index("failed_jobs_by_user").on(t.user_id)],
);

/** How many mails were sent to an address, whoever caused them. */
export const mailRecipients = pgTable(
  "mail_recipients",
  {
    /** SHA-256 of the normalized address, base64url. */
    address_hash: text().primaryKey(),
    last_sent_at: timestamptz().notNull().defaultNow(),
    /** The UTC day of `last_sent_at`, and the number of mails on that day. */
    day: date().notNull(),
    sent: integer().notNull().default(0),
  },
  (t) => [index("mail_recipients_by_age").on(t.last_sent_at)],
);

/** The results of requests with an Idempotency-Key, for 24 hours. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    user_id: integer().notNull(),
    key: text().notNull(),
    /** SHA-256 of method, path and body. */
    fingerprint: text().notNull(),
    /** The ID of the result, in the format of the route. */
    made: text(),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ name: "idempotency_key_taken", columns: [t.user_id, t.key] }),
    index("idempotency_keys_by_age").on(t.created_at),
  ],
);

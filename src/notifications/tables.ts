import { sql } from "drizzle-orm";
import { check, index, integer, json, jsonb, pgTable, text, unique } from "drizzle-orm/pg-core";
import { users } from "../auth/tables.ts";
import { timestamptz, identityId } from "../kit/db/columns.ts";
import { maxPreferenceBytes } from "./protocol.ts";

const owner = () => integer().references(() => users.id, { onDelete: "cascade" });

/** The notifications of users. */
export const notifications = pgTable(
  "notifications",
  {
    id: identityId(),
    user_id: owner().notNull(),
    /** The type for clients: `level_up`. */
    kind: text().notNull(),
    title: text().notNull(),
    body: text().notNull(),
    /** A path of the client, or a URL. */
    link: text(),
    data: jsonb().$type<Record<string, unknown>>().notNull().default({}),
    /** The cause of the notification. A second notification with the same reference is not inserted. */
    reference: text(),
    created_at: timestamptz().notNull().defaultNow(),
    read_at: timestamptz(),
  },
  (t) => [
    unique("notification_told_once").on(t.user_id, t.reference),
    index("notifications_of_user").on(t.user_id, t.id),
    index("notifications_unread")
      .on(t.user_id, t.id)
      .where(sql`${t.read_at} is null`),
    check("notification_says_something", sql`${t.kind} <> '' and ${t.title} <> ''`),
    check("notification_read_after_created", sql`${t.read_at} >= ${t.created_at}`),
  ],
);

/** Preferences that a user's clients store for all of their devices. */
export const userPreferences = pgTable(
  "user_preferences",
  {
    user_id: owner().primaryKey(),
    /** Stored as `json`, as it was sent, so that its size equals the client's count. */
    document: json().$type<Record<string, unknown>>().notNull(),
    /** The number of writes. */
    version: integer().notNull(),
    updated_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    check("preferences_small", sql`octet_length(${t.document}::text) <= ${sql.raw(String(maxPreferenceBytes))}`),
    check("preferences_version_positive", sql`${t.version} > 0`),
  ],
);

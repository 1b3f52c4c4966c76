import { sql } from "drizzle-orm";
import { check, index, integer, json, jsonb, pgTable, text, unique } from "drizzle-orm/pg-core";
import { users } from "../auth/tables.ts";
import { timestamptz, identityId } from "../kit/db/columns.ts";
import { maxPreferenceBytes } from "./protocol.ts";

const owner = () => integer().references(() => users.id, { onDelete: "cascade" });

/** What a user was told, whether they were there or not. */
export const notifications = pgTable(
  "notifications",
  {
    id: identityId(),
    user_id: owner().notNull(),
    /** What it is about, for clients: `level_up`. */
    kind: text().notNull(),
    title: text().notNull(),
    body: text().notNull(),
    /** A path below the client's own root, or an address. */
    link: text(),
    data: jsonb().$type<Record<string, unknown>>().notNull().default({}),
    /** What brought it about, where that may be told twice: it is told once. */
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

/** What a user's clients keep for all of their devices. */
export const userPreferences = pgTable(
  "user_preferences",
  {
    user_id: owner().primaryKey(),
    /** As it was sent, so that its size is what the client counts. */
    document: json().$type<Record<string, unknown>>().notNull(),
    /** How often it was written. */
    version: integer().notNull(),
    updated_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    check("preferences_small", sql`octet_length(${t.document}::text) <= ${sql.raw(String(maxPreferenceBytes))}`),
    check("preferences_version_positive", sql`${t.version} > 0`),
  ],
);

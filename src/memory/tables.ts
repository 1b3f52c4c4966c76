import { sql } from "drizzle-orm";
import { bigint, boolean, check, foreignKey, index, integer, pgTable, text, unique } from "drizzle-orm/pg-core";
import { createdUpdatedAt, identityId, inList, isBetween, timestamptz } from "../kit/db/columns.ts";
import { minions } from "../minions/tables.ts";
import { factSources, maxFactLength } from "./constants.ts";

/** The settings of a minion's memory. A minion without a row has the defaults. */
export const memorySettings = pgTable(
  "memory_settings",
  {
    minion_id: integer().primaryKey(),
    user_id: integer().notNull(),
    /** Whether turns read the facts, and whether new facts are stored. */
    enabled: boolean().notNull().default(true),
    /** The number of edits plus one. */
    version: integer().notNull().default(1),
    updated_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    foreignKey({
      name: "memory_of_minion",
      columns: [t.user_id, t.minion_id],
      foreignColumns: [minions.user_id, minions.id],
    }).onDelete("cascade"),
  ],
);

/** What a minion remembers of its owner. */
export const memoryFacts = pgTable(
  "memory_facts",
  {
    id: identityId(),
    user_id: integer().notNull(),
    minion_id: integer().notNull(),
    text: text().notNull(),
    /** Of the normalized text: two facts of a minion that differ in case, spaces or the final dot are the same. */
    text_hash: text().notNull(),
    source: text({ enum: factSources }).notNull(),
    /** The message that the fact came from, and its conversation. No foreign keys: the fact stays if they are deleted. */
    message_id: bigint({ mode: "number" }),
    conversation_id: integer(),
    /** The number of edits plus one. */
    version: integer().notNull().default(1),
    ...createdUpdatedAt,
  },
  (t) => [
    foreignKey({
      name: "memory_fact_of_minion",
      columns: [t.user_id, t.minion_id],
      foreignColumns: [minions.user_id, minions.id],
    }).onDelete("cascade"),
    unique("memory_fact_known").on(t.minion_id, t.text_hash),
    index("memory_facts_of_minion").on(t.user_id, t.minion_id, t.id),
    check("memory_fact_length", isBetween(sql`char_length(${t.text})`, 1, maxFactLength)),
    check("memory_fact_source_known", inList(t.source, factSources)),
    check("memory_fact_message_whole", sql`(${t.message_id} is null) = (${t.conversation_id} is null)`),
  ],
);

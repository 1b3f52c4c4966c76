import { sql, type SQL } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { users } from "../auth/tables.ts";
import { inList, timestamptz, identityId, createdUpdatedAt } from "../kit/db/columns.ts";
import { minions } from "../minions/tables.ts";
import { messageRoles, finalStatuses } from "../agent/constants.ts";
import { conversationKinds, maxFacts, maxTitleLength, maxMessageOrdinal } from "./constants.ts";
import type { Message } from "../agent/types.ts";

/** Conversations and messages for lists and search. Their rooms own them, and write each turn here when it is over. */

const owner = () => integer().notNull();
const messageId = () => bigint({ mode: "number" });

export const conversations = pgTable(
  "conversations",
  {
    id: identityId(),
    user_id: owner().references(() => users.id, { onDelete: "cascade" }),
    minion_id: integer().notNull(),
    kind: text({ enum: conversationKinds }).notNull().default("chat"),
    /** Whether it is neither listed nor searched, its messages have no text here, and it is deleted after a while. */
    temporary: boolean().notNull().default(false),
    /** Empty until a title is set or generated. */
    title: text().notNull().default(""),
    /** Whether the owner set the title. Then none is generated. */
    is_title_own: boolean().notNull().default(false),
    /** Facts that the minion receives in every turn. */
    pinned_facts: text().array().notNull().default([]),
    /** The message of the fork. No foreign key: the fork stays if its origin is deleted. */
    forked_from_message_id: messageId(),
    /** The number of messages that the room last reported, including inherited ones. */
    message_count: integer().notNull().default(0),
    last_message_at: timestamptz(),
    /** The version for optimistic concurrency, from one. */
    version: integer().notNull().default(1),
    ...createdUpdatedAt,
  },
  (t) => [
    unique("conversation_of_user").on(t.user_id, t.id),
    // A minion in the trash keeps its conversations. Deleting it permanently deletes them.
    foreignKey({
      name: "conversation_minion_owned",
      columns: [t.user_id, t.minion_id],
      foreignColumns: [minions.user_id, minions.id],
    }).onDelete("cascade"),
    uniqueIndex("direct_conversation_taken")
      .on(t.user_id, t.minion_id)
      .where(sql`${t.kind} = 'direct'`),
    index("conversations_by_activity").on(
      t.user_id,
      sql`coalesce(${t.last_message_at}, ${t.created_at}) desc`,
      sql`${t.id} desc`,
    ),
    // A block range index: tiny, since rows are written in the order of time.
    index("conversations_by_creation").using("brin", t.created_at),
    index("temporary_conversations_by_activity")
      .on(sql`coalesce(${t.last_message_at}, ${t.created_at})`)
      .where(sql`${t.temporary}`),
    index("conversations_of_minion").on(t.user_id, t.minion_id),
    check("conversation_kind_known", inList(t.kind, conversationKinds)),
    check("conversation_direct_not_temporary", sql`not (${t.temporary} and ${t.kind} = 'direct')`),
    check("conversation_title_length", sql`char_length(${t.title}) <= ${sql.raw(String(maxTitleLength))}`),
    check("conversation_facts_few", sql`cardinality(${t.pinned_facts}) <= ${sql.raw(String(maxFacts))}`),
    check("conversation_messages_not_negative", sql`${t.message_count} >= 0`),
  ],
);

const tsvector = customType<{ data: string }>({ dataType: () => "tsvector" });

/** Characters of a message that are indexed for search: the size of a tsvector is limited. */
export const searchedLength = 100_000;

/** The fields of a message that have no column. */
export type MessageBody = Omit<Message, "id" | "conversation_id" | "role" | "status" | "text" | "created_at" | "completed_at">;

/** The messages of finished turns. */
export const messages = pgTable(
  "messages",
  {
    /** See `toMessageId`. The row marks the turn as written, so it stays when the message is removed. */
    id: messageId().primaryKey(),
    conversation_id: integer().notNull(),
    user_id: owner(),
    role: text({ enum: messageRoles }).notNull(),
    status: text({ enum: finalStatuses }).notNull(),
    text: text().notNull(),
    /** Null for a removed message. */
    body: jsonb().$type<MessageBody>(),
    /** Spirits whose tools ran successfully in this message. */
    spirit_ids: integer().array().notNull().default([]),
    created_at: timestamptz().notNull(),
    completed_at: timestamptz(),
    /** The time of removal: the message was edited, or the answer was regenerated. */
    removed_at: timestamptz(),
    /** See `messageTerms`. Null: the row is older, and searched by `search`. */
    terms: tsvector(),
    search: tsvector().generatedAlwaysAs(
      (): SQL => sql`to_tsvector('english', left(${messages.text}, ${sql.raw(String(searchedLength))}))`,
    ),
  },
  (t) => [
    foreignKey({
      name: "message_of_conversation",
      columns: [t.user_id, t.conversation_id],
      foreignColumns: [conversations.user_id, conversations.id],
    }).onDelete("cascade"),
    index("messages_of_conversation").on(t.user_id, t.conversation_id, t.id),
    index("messages_by_creation").using("brin", t.created_at),
    index("messages_by_words").using("gin", t.search),
    index("messages_by_terms").using("gin", t.terms),
    // Empty, once all messages have terms.
    index("messages_without_terms")
      .on(t.user_id, t.id)
      .where(sql`${t.terms} is null`),
    check("message_role_known", inList(t.role, messageRoles)),
    check("message_status_settled", inList(t.status, finalStatuses)),
    check("message_numbered", sql`${t.id} / ${sql.raw(String(maxMessageOrdinal))} = ${t.conversation_id}`),
    check("message_removed_whole", sql`(${t.removed_at} is null) = (${t.body} is not null)`),
    check("message_removed_says_nothing", sql`${t.removed_at} is null or ${t.text} = ''`),
  ],
);

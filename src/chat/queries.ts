import { and, eq, getTableColumns, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { containsPattern, webSearchText } from "../kit/db/search-text.ts";
import { AppError } from "../kit/errors.ts";
import { loadAnalyzer } from "../kit/text/analyzer.ts";
import { webSearchQuery } from "../kit/text/text-search.ts";
import { maxConversations, maxTemporaryConversations } from "./constants.ts";
import { conversations, messages, searchedLength } from "./tables.ts";

const { user_id: _owner, is_title_own: _isOwn, ...publicColumns } = getTableColumns(conversations);

/** The columns of a conversation that clients see. */
export const conversationColumns = publicColumns;

/** The condition that selects a conversation of a user. */
export function ownConversation(userId: number, conversationId: number | SQL): SQL {
  return and(eq(conversations.user_id, userId), sql`${conversations.id} = ${conversationId}`)!;
}

/** The query of the conversations of a user that match a condition. */
export function selectConversations({ db }: Pick<Ctx, "db">, userId: number, condition?: SQL) {
  return db
    .select(conversationColumns)
    .from(conversations)
    .where(and(eq(conversations.user_id, userId), condition));
}

export type ConversationRow = Awaited<ReturnType<typeof selectConversations>>[number];

/** Reads a conversation of a user. One round trip. @throws not_found */
export async function getConversation(ctx: Ctx, userId: number, conversationId: number): Promise<ConversationRow> {
  const [row] = await selectConversations(ctx, userId, eq(conversations.id, conversationId));
  if (row === undefined) throw conversationNotFound();
  return row;
}

/** The query of the columns that the owner can edit. */
export function selectEdited({ db }: Ctx, userId: number, conversationId: number) {
  const { title, pinned_facts, version } = conversations;
  return db.select({ title, pinned_facts, version }).from(conversations).where(ownConversation(userId, conversationId));
}

/** The error for a conversation that does not exist or belongs to another user. */
export const conversationNotFound = () => new AppError("not_found", "Conversation not found.");

export const conversationExists = (userId: number, conversationId: number): SQL =>
  sql`exists (select from ${conversations} where ${ownConversation(userId, conversationId)})`;

const countOf = (userId: number, temporary: boolean): SQL =>
  sql`(select count(*) from ${conversations} where ${and(eq(conversations.user_id, userId), eq(conversations.temporary, temporary))})`;

/** The condition that a user may create one more conversation. */
export const belowConversationLimit = (userId: number): SQL => sql`${countOf(userId, false)} < ${maxConversations}`;

/** The same for a temporary one. */
export const belowTemporaryLimit = (userId: number): SQL => sql`${countOf(userId, true)} < ${maxTemporaryConversations}`;

/** The last activity of a conversation. */
export const lastActivityAt = sql`coalesce(${conversations.last_message_at}, ${conversations.created_at})`;

/** A web search of conversations: `"a phrase"`, `or`, `-not`. */
export type WebSearch = {
  text: string;
  /** The query of the terms of messages; undefined if the search has no word. */
  terms: string | undefined;
};

/** Reads a web search in all languages. */
export async function readWebSearch(text: string): Promise<WebSearch> {
  return { text, terms: webSearchQuery(await loadAnalyzer(), text) };
}

const inEnglish = ({ text }: WebSearch): SQL => sql`websearch_to_tsquery('english', ${webSearchText(text)})`;

const inTerms = ({ terms }: WebSearch): SQL => sql`${terms ?? ""}::tsquery`;

/** The messages that match. Those without terms are older, and searched as English; an index of them shows when there are none. */
const messageMatches = (userId: number, search: WebSearch): SQL => sql`${eq(messages.user_id, userId)} and (
  ${messages.terms} @@ ${inTerms(search)} or (${messages.terms} is null and ${messages.search} @@ ${inEnglish(search)}))`;

/** A character of a script without spaces, whose words the parser of Postgres does not find. */
const unspaced = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{sc=Hangul}\p{sc=Thai}]/u;

const titleMatches = (search: WebSearch): SQL =>
  unspaced.test(search.text)
    ? sql`${conversations.title} ilike ${containsPattern(search.text.replaceAll('"', "").trim())}`
    : sql`to_tsvector('english', ${conversations.title}) @@ ${inEnglish(search)}`;

/** The condition that the title or a message matches a search. */
export function matchesSearch(userId: number, search: WebSearch): SQL {
  const inMessages = sql`select ${messages.conversation_id} from ${messages} where ${messageMatches(userId, search)}`;
  return sql`(${titleMatches(search)} or ${conversations.id} in (${inMessages}))`;
}

const headlineOptions = 'MaxFragments=1, MinWords=8, MaxWords=24, ShortWord=0, StartSel="", StopSel=""';

/** The excerpt of the best matching message as plain text; null if only the title matches. */
export function snippetOf(userId: number, search: WebSearch): SQL<string | null> {
  // The query has one alternative for each language, of which `ts_rank` would not compare the distance of the words.
  const rank = sql`coalesce(ts_rank_cd(${messages.terms}, ${inTerms(search)}), ts_rank(${messages.search}, ${inEnglish(search)}))`;
  // Nested `sql`, so that Drizzle keeps the table names of the columns.
  return sql<string | null>`(${sql`
    select ts_headline('english', left(${messages.text}, ${searchedLength}), ${inEnglish(search)}, ${headlineOptions})
    from ${messages}
    where ${messages.conversation_id} = ${conversations.id} and ${messageMatches(userId, search)}
    order by ${rank} desc, ${messages.id} desc limit 1`})`;
}

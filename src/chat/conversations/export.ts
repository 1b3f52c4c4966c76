import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { streamFromGenerator } from "../../kit/async/streams.ts";
import type { Message } from "../../agent/types.ts";
import { withActivity, type WithActivity } from "./activity.ts";
import { callerOf, callRoom } from "../room/client.ts";
import { minions } from "../../minions/tables.ts";
import { conversations } from "../tables.ts";
import { conversationColumns, conversationNotFound, ownConversation, type ConversationRow } from "../queries.ts";
import type { ExportFormat } from "../schemas.ts";
import { quoteMarkdown, singleLine } from "./markdown.ts";

/** Messages per page: messages can be long, and the RPC result of a Durable Object is limited. */
export const exportPage = 25;

/** A conversation as a file that is streamed. */
export type Export = { name: string; type: string; body: ReadableStream<Uint8Array> };

type ExportedConversation = WithActivity<ConversationRow>;

/** How a format renders a conversation. */
type Format = {
  extension: string;
  type: string;
  begin(conversation: ExportedConversation): string;
  /** @param minion the minion's name */
  message(message: Message, minion: string, isFirst: boolean): string;
  end: string;
};

const json: Format = {
  extension: "json",
  type: "application/json; charset=utf-8",
  begin: (conversation) => `{\n"conversation": ${JSON.stringify(conversation)},\n"messages": [`,
  message: (message, _, isFirst) => `${isFirst ? "" : ","}\n${JSON.stringify(message)}`,
  end: "\n]\n}\n",
};

/**
 * Renders a message as a quote, with its files, tools and citations. Sources that its text already lists are not repeated.
 * @param minion the minion's name
 */
export function asMarkdown(
  { role, text, parts, status, citations, tools, created_at, model }: Message,
  minion: string,
): string {
  const lines = new Set(text.split("\n"));
  const notes = [
    ...parts.flatMap((part) => (part.type === "file" ? [`Attached: ${singleLine(part.name)}`] : [])),
    ...tools.map(({ tool, status: outcome }) => `Tool: ${tool} (${outcome})`),
    ...citations.map(({ number, source }) => `[${number}] ${singleLine(source)}`).filter((note) => !lines.has(`- ${note}`)),
  ];
  const author = role === "user" ? "You" : singleLine(minion) || "Minion";
  const heading = `## ${author}${model === null ? "" : ` (${singleLine(model)})`}, ${created_at}`;
  const state = status === "complete" ? [] : [`*${status}*`];
  return [
    heading,
    ...(text.trim() === "" ? [] : [quoteMarkdown(text)]),
    ...state,
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
  ]
    .join("\n\n")
    .concat("\n\n");
}

const markdown: Format = {
  extension: "md",
  type: "text/markdown; charset=utf-8",
  begin: ({ title, created_at }) => `# ${singleLine(title) || "Conversation"}\n\n${created_at.toISOString()}\n\n`,
  message: asMarkdown,
  end: "",
};

const formats: Record<ExportFormat, Format> = { json, markdown };

/**
 * Exports a conversation with all messages, oldest first. Pages are read while the file is sent. One Postgres round trip.
 * @throws not_found, realtime_unavailable
 */
export async function exportConversation(ctx: Ctx, userId: number, id: number, format: ExportFormat): Promise<Export> {
  const { minion, ...row } = await readConversation(ctx, userId, id);
  const conversation = await withActivity(ctx, userId, row);
  const writer = formats[format];
  const background = ctx.background();
  const pageBefore = async (before: number | undefined) => {
    const page = { limit: exportPage, ...(before === undefined ? {} : { before }) };
    return (await callRoom(background, id, (room) => room.list(callerOf(ctx, userId), page))).messages;
  };
  const pages = await pagesForward(pageBefore);
  return {
    name: `${conversation.title.replace(/\s+/g, " ").trim() || `conversation-${id}`}.${writer.extension}`,
    type: writer.type,
    body: streamFromGenerator(render({ conversation, minion }, pages, writer)).pipeThrough(new TextEncoderStream()),
  };
}

/**
 * Yields pages from the oldest to the newest, although they can only be read backwards. Pages are not held in memory: all except the
 * first are read twice. Messages that are added or deleted meanwhile cause no gaps and no duplicates.
 * @param pageBefore reads the last messages before a message, or the newest ones, oldest first
 */
export async function pagesForward(
  pageBefore: (before: number | undefined) => Promise<Message[]>,
): Promise<AsyncIterable<Message[]>> {
  const ends: number[] = [];
  let page = await pageBefore(undefined);
  let end = (page.at(-1)?.id ?? 0) + 1;
  while (page.length === exportPage) {
    const earlier = await pageBefore(page[0]!.id);
    if (earlier.length === 0) break;
    ends.push(end);
    end = page[0]!.id;
    page = earlier;
  }
  return (async function* () {
    yield page;
    let last = page.at(-1)?.id ?? 0;
    for (const next of ends.toReversed()) {
      const again = (await pageBefore(next)).filter(({ id }) => id > last);
      yield again;
      last = next - 1;
    }
  })();
}

/** A conversation with the name of its minion. One round trip. @throws not_found */
async function readConversation({ db }: Ctx, userId: number, id: number): Promise<ConversationRow & { minion: string }> {
  const ofMinion = and(eq(minions.user_id, conversations.user_id), eq(minions.id, conversations.minion_id));
  const [row] = await db
    .select({ ...conversationColumns, minion: minions.display_name })
    .from(conversations)
    .innerJoin(minions, ofMinion)
    .where(ownConversation(userId, id));
  if (row === undefined) throw conversationNotFound();
  return row;
}

async function* render(
  { conversation, minion }: { conversation: ExportedConversation; minion: string },
  pages: AsyncIterable<Message[]>,
  { begin, message, end }: Format,
): AsyncGenerator<string> {
  yield begin(conversation);
  let isFirst = true;
  for await (const page of pages) {
    for (const each of page) {
      yield message(each, minion, isFirst);
      isFirst = false;
    }
  }
  if (end !== "") yield end;
}

import type { Ctx } from "../../context.ts";
import { streamFromGenerator } from "../../kit/async/streams.ts";
import type { Message } from "../../agent/types.ts";
import { callRoom } from "../room/client.ts";
import { getConversation, type ConversationRow } from "../queries.ts";
import type { ExportFormat } from "../schemas.ts";

/** How many messages are asked of a room at once: one may be long, and a reply of an object is limited. */
export const exportPage = 25;

/** A conversation as a file, which is written as it is read. */
export type Export = { name: string; type: string; body: ReadableStream<Uint8Array> };

/** What a format makes of a conversation: its text, in pieces. */
type Format = {
  extension: string;
  type: string;
  begin(conversation: ConversationRow): string;
  message(message: Message, isFirst: boolean): string;
  end: string;
};

const json: Format = {
  extension: "json",
  type: "application/json; charset=utf-8",
  begin: (conversation) => `{\n"conversation": ${JSON.stringify(conversation)},\n"messages": [`,
  message: (message, isFirst) => `${isFirst ? "" : ","}\n${JSON.stringify(message)}`,
  end: "\n]\n}\n",
};

const speakers = { user: "You", assistant: "Minion" } as const;

/** One line, for what stands within a line of Markdown. */
const line = (text: string): string => text.replace(/\s+/g, " ").trim();

/** A message with what belongs to it below; sources that its text lists itself are not listed again. */
export function asMarkdown({ role, text, parts, status, citations, tools, created_at, model }: Message): string {
  const lines = new Set(text.split("\n"));
  const notes = [
    ...parts.flatMap((part) => (part.type === "file" ? [`Attached: ${line(part.name)}`] : [])),
    ...tools.map(({ tool, status: outcome }) => `Tool: ${tool} (${outcome})`),
    ...citations.map(({ number, source }) => `[${number}] ${line(source)}`).filter((note) => !lines.has(`- ${note}`)),
  ];
  const heading = `## ${speakers[role]}${model === null ? "" : ` (${line(model)})`}, ${created_at}`;
  const state = status === "complete" ? [] : [`*${status}*`];
  return [
    heading,
    ...(text === "" ? [] : [text]),
    ...state,
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
  ]
    .join("\n\n")
    .concat("\n\n");
}

const markdown: Format = {
  extension: "md",
  type: "text/markdown; charset=utf-8",
  begin: ({ title, created_at }) => `# ${line(title) || "Conversation"}\n\n${created_at.toISOString()}\n\n`,
  message: asMarkdown,
  end: "",
};

const formats: Record<ExportFormat, Format> = { json, markdown };

/**
 * A conversation with all its messages, oldest first, read page by page as it is sent. One Postgres round trip.
 * @throws not_found, realtime_unavailable
 */
export async function exportConversation(ctx: Ctx, userId: number, id: number, format: ExportFormat): Promise<Export> {
  const conversation = await getConversation(ctx, userId, id);
  const writer = formats[format];
  const behind = ctx.background();
  const pageBefore = async (before: number | undefined) => {
    const page = { limit: exportPage, ...(before === undefined ? {} : { before }) };
    return (await callRoom(behind, id, (room) => room.list(userId, page))).messages;
  };
  const pages = await pagesForward(pageBefore);
  return {
    name: `${line(conversation.title) || `conversation-${id}`}.${writer.extension}`,
    type: writer.type,
    body: streamFromGenerator(written(conversation, pages, writer)).pipeThrough(new TextEncoderStream()),
  };
}

/**
 * Turns pages that are had from the last back into pages from the first on, without holding them: all but the first are read again.
 * What is said or removed meanwhile makes no gap, and nothing comes twice.
 * @param pageBefore the last messages before one, or of all, oldest first
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

async function* written(
  conversation: ConversationRow,
  pages: AsyncIterable<Message[]>,
  { begin, message, end }: Format,
): AsyncGenerator<string> {
  yield begin(conversation);
  let isFirst = true;
  for await (const page of pages) {
    for (const each of page) {
      yield message(each, isFirst);
      isFirst = false;
    }
  }
  if (end !== "") yield end;
}

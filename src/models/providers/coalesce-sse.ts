import { createParser } from "eventsource-parser";
import * as z from "zod";
import { deltaSeparator } from "../gateway/coalesced-deltas.ts";

/**
 * Wraps `fetch` so that in streams of Chat Completions (https://platform.openai.com/docs/api-reference/chat-streaming) deltas that
 * arrive together are joined, with the separators of coalesced-deltas.ts.
 */
export function coalesceSse(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await send(input, init);
    const { body, ok, status, statusText, headers } = response;
    // Some servers send every response as `text/event-stream`.
    const isStream = ok && asksForStream(init) && headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (body === null || !isStream) return response;
    return new Response(body.pipeThrough(joinEvents()), { status, statusText, headers });
  };
}

function asksForStream({ body }: RequestInit = {}): boolean {
  return typeof body === "string" && /"stream"\s*:\s*true/.test(body);
}

function joinEvents(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let template: EventTemplate | undefined;
  let texts: string[] = [];
  let written = "";
  function endRun(): void {
    if (template !== undefined && texts.length > 0)
      written += eventOf(template.before + texts.join(separatorInJson) + template.after);
    texts = [];
  }
  const parser = createParser({
    onEvent({ event, data }) {
      let text = event === undefined ? textWithin(template, data) : undefined;
      if (text === undefined) {
        endRun();
        template = event === undefined ? templateOf(data) : undefined;
        text = textWithin(template, data);
      }
      if (text === undefined) written += eventOf(data, event);
      else texts.push(text);
    },
  });
  return new TransformStream({
    transform(bytes, controller) {
      parser.feed(decoder.decode(bytes, { stream: true }));
      endRun();
      if (written !== "") controller.enqueue(encoder.encode(written));
      written = "";
    },
  });
}

function eventOf(data: string, name?: string): string {
  const lines = data.replaceAll("\n", "\ndata: ");
  return name === undefined ? `data: ${lines}\n\n` : `event: ${name}\ndata: ${lines}\n\n`;
}

const separatorInJson = JSON.stringify(deltaSeparator).slice(1, -1);

/** The maximum length of an event that is joined with others, in characters. */
const maxJoined = 8 * 1024;

/** The JSON of an event before and after its text. Events with the same template can be joined. */
type EventTemplate = { before: string; after: string };

/** Characters that need no escape in a JSON string. */
const plain = /^[^"\\\p{Cc}]+$/u;

/** The JSON-encoded text of an event that matches a template; undefined if it does not match. */
function textWithin(template: EventTemplate | undefined, data: string): string | undefined {
  if (template === undefined || data.length > maxJoined) return undefined;
  const { before, after } = template;
  if (data.length <= before.length + after.length || !data.startsWith(before) || !data.endsWith(after)) return undefined;
  const text = data.slice(before.length, -after.length);
  return plain.test(text) || parsed(`"${text}"`) !== undefined ? text : undefined;
}

/** Matches the first non-empty string among the members that contain text of a model. */
const textMember = /("(?:content|reasoning|reasoning_content)"\s*:\s*")((?:[^"\\]|\\.)+)"/;

/** The template of an event that contains only a text delta. */
function templateOf(data: string): EventTemplate | undefined {
  if (data.length > maxJoined) return undefined;
  const found = textMember.exec(data);
  if (found === null) return undefined;
  const [, opening, literal] = found;
  const text = textIn(parsed(data));
  if (text === undefined || parsed(`"${literal}"`) !== text) return undefined;
  const start = found.index + opening!.length;
  return { before: data.slice(0, start), after: data.slice(start + literal!.length) };
}

const nothing = z.union([z.null(), z.literal(""), z.tuple([])]).optional();
const label = z.union([z.string(), z.number(), z.null()]).optional();
const mayBeText = z.string().nullish();

/** A chunk whose only accumulating content is text. */
const TextChunk = z
  .object({
    id: label,
    object: label,
    created: label,
    model: label,
    provider: label,
    system_fingerprint: label,
    service_tier: label,
    choices: z.tuple([
      z
        .object({
          index: label,
          delta: z
            .object({ role: label, content: mayBeText, reasoning: mayBeText, reasoning_content: mayBeText })
            .catchall(nothing),
        })
        .catchall(nothing),
    ]),
  })
  .catchall(nothing);

/** The only text of a chunk, content or reasoning; undefined if the chunk has more. */
function textIn(chunk: unknown): string | undefined {
  const { content, reasoning, reasoning_content } = TextChunk.safeParse(chunk).data?.choices[0].delta ?? {};
  const [first, ...others] = [content, reasoning, reasoning_content].filter(Boolean);
  return others.length === 0 ? (first ?? undefined) : undefined;
}

/** Parses JSON; undefined if it is invalid. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

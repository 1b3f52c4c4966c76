import { createParser } from "eventsource-parser";
import * as z from "zod";
import { deltaSeparator } from "../../gateway/coalesced-deltas.ts";
import { isObject, parsed, repairCompletion, type JsonObject } from "./repair-reply.ts";
import { repairUsage } from "./repair-usage.ts";

export type RewriteOptions = {
  /** Whether deltas that arrive together are joined, with the separators of coalesced-deltas.ts. */
  joins: boolean;
  /** Whether the events are chunks of Chat Completions (https://platform.openai.com/docs/api-reference/chat-streaming). */
  isChat: boolean;
  /** Called if the server sent the whole answer as JSON. */
  onWhole?(): void;
};

/**
 * Rewrites a stream of events for an SDK: events are repaired, broken ones are left out, and an answer that ends without a finish reason
 * gets one. A whole answer as JSON becomes one event.
 */
export function rewriteEvents({ joins, isChat, onWhole }: RewriteOptions): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const repair = new StreamRepair();
  let template: EventTemplate | undefined;
  let texts: string[] = [];
  let written = "";
  /** Everything that arrived, if it is JSON; undefined for events. */
  let whole: string | undefined = isChat ? "" : undefined;
  function endRun(): void {
    if (template !== undefined && texts.length > 0)
      written += eventOf(template.before + texts.join(separatorInJson) + template.after);
    texts = [];
  }
  function write(data: string): void {
    let text = textWithin(template, data);
    if (text === undefined) {
      endRun();
      template = templateOf(data);
      text = textWithin(template, data);
    }
    if (text === undefined) written += eventOf(data);
    else texts.push(text);
    if (!joins) endRun();
  }
  const parser = createParser({
    onEvent({ event, data }) {
      if (event !== undefined || !isChat) {
        endRun();
        template = undefined;
        written += eventOf(withUsage(data), event);
        return;
      }
      // A text like the one before it needs no repair.
      if (textWithin(template, data) !== undefined) return write(data);
      for (const each of repair.events(data)) write(each);
    },
  });
  /** Reads text, once it is known whether it is JSON or events. */
  function read(text: string): void {
    if (whole === undefined) return parser.feed(text);
    whole += text;
    const start = whole.trimStart();
    if (start === "" || start.startsWith("{")) return;
    parser.feed(whole);
    whole = undefined;
  }
  function send(controller: TransformStreamDefaultController<Uint8Array>): void {
    endRun();
    if (written !== "") controller.enqueue(encoder.encode(written));
    written = "";
  }
  return new TransformStream({
    transform(bytes, controller) {
      read(decoder.decode(bytes, { stream: true }));
      send(controller);
    },
    flush(controller) {
      read(decoder.decode());
      if (whole === undefined) parser.feed("\n\n");
      else if (whole.trim() !== "") for (const event of repair.whole(whole, onWhole)) write(event);
      send(controller);
    },
  });
}

/** An event of another protocol, with repaired token counts. */
function withUsage(data: string): string {
  if (!/"\d{1,10}(?:\.0+)?"/.test(data) || !/usage|billed_units/.test(data)) return data;
  const event = parsed(data);
  return isObject(event) && repairUsage(event) ? JSON.stringify(event) : data;
}

const done = "[DONE]";

/** Repairs the events of one stream. */
class StreamRepair {
  #labels: JsonObject = {};
  #hasText = false;
  /** The arguments of each tool call so far. */
  readonly #calls = new Map<unknown, string>();
  #isFinished = false;

  /** The events for the SDK: none for a broken one. */
  events(data: string): string[] {
    if (data.trim() === done) return [...this.#ending(), done];
    const chunk = parsed(data);
    // Some servers separate their events by one line break.
    if (chunk === undefined && data.includes("\n")) return data.split("\n").flatMap((line) => this.events(line));
    if (!isObject(chunk)) return [];
    const isChanged = repairCompletion(chunk, "delta");
    this.#see(chunk);
    // Mistral's SDK fails at an event without a choice.
    if (!("error" in chunk) && (chunk["choices"] as unknown[]).length === 0) return [];
    return [isChanged ? JSON.stringify(chunk) : data];
  }

  /** The events of a whole answer. */
  whole(json: string, onAnswer?: () => void): string[] {
    const reply = parsed(json);
    if (!isObject(reply)) return json.split("\n").flatMap((line) => this.events(line));
    repairCompletion(reply, "message");
    const choices = Array.isArray(reply["choices"]) ? (reply["choices"] as JsonObject[]) : [];
    if (choices.length > 0) onAnswer?.();
    for (const choice of choices) {
      const message = choice["message"] as JsonObject;
      const calls = message["tool_calls"];
      if (Array.isArray(calls)) for (const [index, call] of (calls as JsonObject[]).entries()) call["index"] ??= index;
      choice["delta"] = message;
      delete choice["message"];
    }
    // Groq's SDK reads the usage of a stream here.
    if (isObject(reply["usage"])) reply["x_groq"] ??= { usage: reply["usage"] };
    this.#see(reply);
    return [JSON.stringify(reply), ...this.#ending(), done];
  }

  #see(chunk: JsonObject): void {
    const { id, object, created, model } = chunk;
    this.#labels = { id, object, created, model };
    for (const { delta, finish_reason } of (chunk["choices"] ?? []) as JsonObject[]) {
      if (finish_reason != null) this.#isFinished = true;
      if (!isObject(delta)) continue;
      const { content, reasoning, reasoning_content, tool_calls } = delta;
      if (content || reasoning || reasoning_content) this.#hasText = true;
      for (const { index = 0, function: called } of (tool_calls ?? []) as JsonObject[]) {
        const { arguments: input } = called as JsonObject;
        this.#calls.set(index, (this.#calls.get(index) ?? "") + (typeof input === "string" ? input : ""));
      }
    }
  }

  /** The finish reason that the server left out; none for an answer that ends inside a tool call. */
  #ending(): string[] {
    const inputs = Array.from(this.#calls.values());
    const isCut = inputs.some((input) => input.trim() !== "" && parsed(input) === undefined);
    if (this.#isFinished || isCut || !(this.#hasText || inputs.length > 0)) return [];
    this.#isFinished = true;
    const choice = { index: 0, delta: {}, finish_reason: inputs.length > 0 ? "tool_calls" : "stop" };
    return [JSON.stringify({ ...this.#labels, choices: [choice] })];
  }
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

import { contentOf, messagesOf } from "./chat-messages.ts";

export type JsonRecord = Record<string, unknown>;

/**
 * The alternative names of each column, best first. The comparison ignores case, spaces, dashes and underscores. A record
 * with all required columns of a kind is of that kind; the first matching kind wins.
 */
const names = {
  instruction: ["instruction", "instructions", "task"],
  input: ["input", "context"],
  output: ["output", "response", "answer", "completion", "target", "chosen"],
  system: ["system", "systemprompt", "systemmessage", "systeminstruction"],
  question: ["question", "query"],
  answer: ["answer", "answers", "bestanswer", "correctanswer", "finalanswer", "response", "output", "chosen"],
  context: ["context", "passage"],
  prompt: ["prompt", "user", "input"],
  response: ["response", "completion", "chosen", "output", "assistant", "reply", "answer"],
  chosen: ["chosen"],
  rejected: ["rejected"],
  messages: ["messages", "conversations", "conversation", "dialogue", "dialog", "contents", "turns", "chat"],
  text: ["text", "content", "body", "document", "article", "passage", "pagecontent", "chosen"],
} as const;

export type Column = keyof typeof names;

/** The columns of a record by our names. Taken columns are not metadata, unless a part of them is not taken. */
export class Columns {
  readonly #record: JsonRecord;
  readonly #keys: Map<string, string>;
  readonly #taken = new Set<string>();
  readonly #reduced = new Set<string>();

  constructor(record: JsonRecord) {
    this.#record = record;
    this.#keys = new Map(
      Object.keys(record)
        .map((key) => [key.toLowerCase().replaceAll(/[\s_-]/g, ""), key] as const)
        .toReversed(),
    );
  }

  #find(column: Column): string | undefined {
    const name = names[column].find((each) => this.#keys.has(each) && !this.#taken.has(this.#keys.get(each)!));
    return name === undefined ? undefined : this.#keys.get(name);
  }

  /** Whether the record has all of these columns under different names. */
  has(...columns: Column[]): boolean {
    const keys = columns.map((column) => this.#find(column));
    return !keys.includes(undefined) && new Set(keys).size === keys.length;
  }

  peek(column: Column): unknown {
    const key = this.#find(column);
    return key === undefined ? undefined : this.#record[key];
  }

  /** Takes a column. @param isReduced whether the value has more than what is taken of it, so that it stays in the metadata, too */
  take(column: Column, isReduced: (value: unknown) => boolean = () => false): unknown {
    const key = this.#find(column);
    if (key === undefined) return undefined;
    this.#taken.add(key);
    if (isReduced(this.#record[key])) this.#reduced.add(key);
    return this.#record[key];
  }

  /** A column as text. @param known texts that the row has anyway */
  takeText(column: Column, known: readonly string[] = []): string {
    return textOf(this.take(column, (value) => isReducedToText(value, known)));
  }

  /** Optional columns as text, under our names. */
  takeTexts(columns: readonly Column[], known: readonly string[] = []): Record<string, string> {
    const texts = columns.map((column) => [column, this.takeText(column, known)] as const);
    return Object.fromEntries(texts.filter(([, value]) => value !== ""));
  }

  others(): JsonRecord {
    const isOther = (key: string) => !this.#taken.has(key) || this.#reduced.has(key);
    return Object.fromEntries(Object.entries(this.#record).filter(([key, value]) => isOther(key) && value !== null));
  }
}

/** A value as text. A conversation gives its last answer; an object of parts gives their text; other objects give their JSON. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value.trim();
  const messages = messagesOf(value);
  if (messages !== undefined) return messages.at(-1)?.content ?? "";
  return isParts(value) ? contentOf(value) : JSON.stringify(value);
}

/** Whether a value is a text in parts, as Gemini and Bedrock write a system instruction. */
const isParts = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 && value.every(isTextPart) : isRecord(value) && isParts(value["parts"]);

const isTextPart = (value: unknown): boolean =>
  isRecord(value) && typeof value["text"] === "string" && Object.keys(value).every((key) => key === "text" || key === "type");

/** Whether a value has more than the text that `textOf` makes of it, and than the known texts. */
export function isReducedToText(value: unknown, known: readonly string[]): boolean {
  const messages = typeof value === "string" ? undefined : messagesOf(value);
  if (messages === undefined) return false;
  const isKnown = (text: string) => known.includes(text);
  return (
    messages.slice(0, -1).some(({ content }) => !isKnown(content)) ||
    messages.some((message) => Object.keys(message).length > 2)
  );
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
